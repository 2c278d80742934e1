/**
 * The programs at the two ends of a simulated stream: writers that hurry, drip, flush, give up, and readers that hurry, are
 * slow, stop, or leave.
 */
import type { BlobOwner, InboundBlob, SendFailure } from '@flaminia/delivery-a1/internal';
import { RuleBroken, TICK_MS } from './rule-broken.ts';
import type { StreamEntry } from './stream-entry.ts';
import type { VirtualDomus } from './virtual-domus.ts';

const GIVEN_UP: SendFailure = {
  kind: 'peer-unavailable',
  text: 'given up',
  delivery: 'unknown',
  cause: undefined,
  detail: 'stream-aborted',
};

/** A chunk that is not full goes out after so long. */
const QUIET_MS = 20;

export type WriterTemper = 'hurrying' | 'dripping' | 'giving up' | 'falling asleep';
export type ReaderTemper = 'hurrying' | 'slow' | 'stopping' | 'leaving';

/** What programs ask of the simulation. */
export interface StreamStage {
  /** Calls `step` of a program after a while. */
  planStep(program: StreamWriter | StreamReader, domus: VirtualDomus): void;
  /** How much a dripping writer writes at once, or a slow reader reads. */
  portion(): number;
  chance(percent: number): boolean;
  senderEnded(stream: StreamEntry, domus: VirtualDomus): void;
  receiverEnded(stream: StreamEntry, domus: VirtualDomus): void;
  wrote(stream: StreamEntry, count: number): void;
  read(stream: StreamEntry, bytes: Uint8Array): void;
}

export class StreamWriter implements BlobOwner {
  /** Its place among all programs. */
  readonly index: number;
  readonly stream: StreamEntry;
  readonly domus: VirtualDomus;
  private temper: WriterTemper;
  private readonly stage: StreamStage;
  private isPlanned = false;
  private wroteAt = 0;

  constructor(stream: StreamEntry, domus: VirtualDomus, temper: WriterTemper, stage: StreamStage, index: number) {
    this.index = index;
    this.stream = stream;
    this.domus = domus;
    this.temper = temper;
    this.stage = stage;
  }

  moved(): void {
    const { stream } = this;
    const blob = stream.outbound!;
    const { entry } = stream;
    if (entry.told === 0) {
      if (blob.state === 'open' || blob.state === 'ended') entry.accepted();
      else if (blob.state === 'failed') entry.failed(blob.failure!);
    }
    if (blob.isOver) {
      if (stream.senderTold++ === 0) this.stage.senderEnded(stream, this.domus);
      else throw new RuleBroken(6, `stream ${stream.number} was over twice`);
    } else if (blob.state === 'open') {
      if (this.temper === 'hurrying') this.write(Number.POSITIVE_INFINITY);
      else this.plan();
    }
  }

  /** What it reserves for bytes that it may still read. */
  get unread(): number {
    return 0;
  }

  get isOver(): boolean {
    return this.stream.senderTold > 0;
  }

  /** Its time has come. */
  step(): void {
    this.isPlanned = false;
    const blob = this.stream.outbound!;
    if (blob.state !== 'open') return;
    if (this.temper === 'giving up' && this.stage.chance(30)) {
      const waited = errorsTo(this.stream.entry.address, this.domus);
      blob.abort(GIVEN_UP, this.domus.now());
      checkTold(this.stream.entry.address, this.domus, waited);
      return;
    }
    if (this.temper === 'falling asleep' && this.stage.chance(30)) return;
    this.write(this.stage.portion());
    if (this.stage.chance(20)) blob.flush(this.domus.now());
    if (!this.stream.isEnding) this.plan();
  }

  /** What was written by a writer that is quiet now goes out, be it a whole chunk or not. */
  audit(): void {
    const { stream, domus } = this;
    if (stream.outbound?.state !== 'open') return;
    const session = domus.core.peers.get(stream.entry.address);
    if (session?.state.kind === 'closing')
      throw new RuleBroken(7, `stream ${stream.number} goes on in a session that is being closed`);
    if (stream.isEnding || stream.written === (stream.ends.at(-1) ?? 0)) return;
    const { calles } = session?.blobs ?? { calles: [] };
    const since = domus.now() - QUIET_MS - TICK_MS;
    const canGo = calles.some((callis) => !callis.isBlocked && callis.blob!.isProven && callis.activeSince < since);
    if (canGo && this.wroteAt < since)
      throw new RuleBroken(8, `stream ${stream.number}: what its quiet writer has written is kept`);
  }

  /** Whatever it was like, it now writes all that is left. */
  hurry(): void {
    this.temper = 'hurrying';
    if (this.stream.outbound?.state === 'open') this.write(Number.POSITIVE_INFINITY);
  }

  private plan(): void {
    if (this.isPlanned || this.stream.isEnding) return;
    this.isPlanned = true;
    this.stage.planStep(this, this.domus);
  }

  private write(most: number): void {
    const { stream, domus } = this;
    if (stream.isEnding) return;
    const blob = stream.outbound!;
    const bytes = stream.next(most);
    const taken = blob.write(bytes, 0, bytes.length, domus.now());
    stream.written += taken;
    this.wroteAt = domus.now();
    this.stage.wrote(stream, taken);
    if (stream.written < stream.total) return;
    stream.isEnding = true;
    blob.end(domus.now());
  }
}

export class StreamReader implements BlobOwner {
  /** Its place among all programs. */
  readonly index: number;
  readonly stream: StreamEntry;
  readonly domus: VirtualDomus;
  private readonly blob: InboundBlob;
  private temper: ReaderTemper;
  private readonly stage: StreamStage;
  private isPlanned = false;
  private hasLeft = false;

  constructor(
    stream: StreamEntry,
    blob: InboundBlob,
    domus: VirtualDomus,
    temper: ReaderTemper,
    stage: StreamStage,
    index: number,
  ) {
    this.index = index;
    this.stream = stream;
    this.blob = blob;
    this.domus = domus;
    this.temper = temper;
    this.stage = stage;
    blob.owner = this;
    stream.inbound = blob;
  }

  moved(): void {
    if (this.blob.state === 'failed') {
      this.end();
      return;
    }
    if (this.temper === 'hurrying') this.readAll();
    else if (this.temper !== 'stopping') this.plan();
  }

  /** What it reserves for bytes that it may still read. */
  get unread(): number {
    const isKept = this.blob.state === 'over' && !this.hasLeft && !this.blob.isReadOut;
    return isKept ? this.blob.reservation.bytes : 0;
  }

  get isOver(): boolean {
    return this.stream.receiverTold > 0;
  }

  /** Its time has come. */
  step(): void {
    this.isPlanned = false;
    if (this.hasLeft || this.blob.state === 'failed') return;
    if (this.temper === 'leaving' && this.stage.chance(30)) {
      this.hasLeft = true;
      // The message is not answered yet, and will be with a no.
      if (this.blob.state === 'accepted') this.stream.entry.decision = 'refused';
      const isTold = this.blob.state === 'open' && !this.blob.isWhole;
      const waited = errorsTo(this.blob.peer, this.domus);
      this.blob.leave(GIVEN_UP, this.domus.now());
      if (isTold) checkTold(this.blob.peer, this.domus, waited);
      this.end();
      return;
    }
    if (this.readOne()) this.plan();
  }

  /** A stream to which nothing comes is given up. */
  audit(): void {
    const { state, isWhole, withholdsAcks, lastChunkAt } = this.blob;
    if (state !== 'open' || isWhole || withholdsAcks) return;
    const idle = this.domus.now() - lastChunkAt;
    if (idle > 2 * this.domus.longestTimeoutMs + TICK_MS)
      throw new RuleBroken(8, `stream ${this.stream.number} is idle for ${idle} ms`);
  }

  /** Whatever it was like, it now reads all that comes. */
  hurry(): void {
    this.temper = 'hurrying';
    this.readAll();
  }

  private plan(): void {
    if (this.isPlanned || this.hasLeft) return;
    this.isPlanned = true;
    this.stage.planStep(this, this.domus);
  }

  private readAll(): void {
    while (this.readOne());
  }

  /** Reads a piece; false where none is there. */
  private readOne(): boolean {
    const bytes = this.hasLeft ? undefined : this.blob.read(this.domus.now());
    if (bytes === undefined) return false;
    this.stage.read(this.stream, bytes);
    if (this.blob.isReadOut) this.end();
    return true;
  }

  private end(): void {
    if (this.stream.receiverTold++ === 0) this.stage.receiverEnded(this.stream, this.domus);
  }
}

/** Errors that wait for a blob callis of this peer; -1 where there is none to be told. */
function errorsTo(address: string, domus: VirtualDomus): number {
  return domus.core.peers.get(address)?.blobs?.responses.errors.size ?? -1;
}

/** The other end of a stream hears that it was given up. */
function checkTold(address: string, domus: VirtualDomus, waited: number): void {
  if (waited >= 0 && waited < 4096 && errorsTo(address, domus) !== waited + 1)
    throw new RuleBroken(6, 'a stream is given up without a word to its other end');
}
