import { ERROR_IDS } from '@flaminia/transport-a0';
import { A2_TYPE_MAX } from '../wire/frame.ts';

const ERROR_ID_END = Math.max(...Object.values(ERROR_IDS)) + 1;

/** What delivery counts. Plain numbers that only rise, one object for the whole domus. */
export class Counters {
  messagesOutA2 = 0;
  messagesOutA3 = 0;
  messagesInA2 = 0;
  messagesInA3 = 0;
  /** Payload bytes of messages, each transmission counted. */
  bytesOutA2 = 0;
  bytesOutA3 = 0;
  bytesInA2 = 0;
  bytesInA3 = 0;
  acksOut = 0;
  acksIn = 0;
  errorsOut = 0;
  errorsIn = 0;
  /** The same by error id, which is the index. */
  readonly errorsOutById: Float64Array = new Float64Array(ERROR_ID_END);
  readonly errorsInById: Float64Array = new Float64Array(ERROR_ID_END);
  sendsAccepted = 0;
  replays = 0;
  duplicatesIn = 0;
  keepalivesOut = 0;
  nudgesOut = 0;
  primaryOpened = 0;
  primaryClosed = 0;
  dialAttempts = 0;
  dialFailures = 0;
  identityMismatches = 0;
  protocolViolations = 0;
  sessionRestarts = 0;
  overrunsAck = 0;
  overrunsError = 0;
  overrunsA2 = 0;
  overrunsA3 = 0;
  tabernaBusy = 0;
  blobCallesOpened = 0;
  blobCallesClosed = 0;
  blobsOpenedOut = 0;
  blobsOpenedIn = 0;
  blobsCompleted = 0;
  /** Streams that failed after they had opened, whoever gave them up. */
  blobsFailed = 0;
  /** Transmissions of chunks, replays included, and their bytes. */
  chunksOut = 0;
  blobBytesOut = 0;
  /** Chunks that were taken in, each once, and their bytes. */
  chunksIn = 0;
  blobBytesIn = 0;

  /** A message was written. */
  messageOut(msgType: number, payloadLength: number): void {
    if (msgType > A2_TYPE_MAX) {
      this.messagesOutA3++;
      this.bytesOutA3 += payloadLength;
    } else {
      this.messagesOutA2++;
      this.bytesOutA2 += payloadLength;
    }
  }

  /** An error was written. */
  errorOut(errorId: number): void {
    this.errorsOut++;
    this.errorsOutById[errorId]! += 1;
  }

  /** An error has come; its id is known. */
  errorIn(errorId: number): void {
    this.errorsIn++;
    this.errorsInById[errorId]! += 1;
  }

  /** A message has come. */
  messageIn(msgType: number, payloadLength: number): void {
    if (msgType > A2_TYPE_MAX) {
      this.messagesInA3++;
      this.bytesInA3 += payloadLength;
    } else {
      this.messagesInA2++;
      this.bytesInA2 += payloadLength;
    }
  }
}
