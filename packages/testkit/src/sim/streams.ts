/**
 * All blob streams of a simulation: begins them, gives them programs, and knows when they must be over (rules 3, 6 and 8).
 */
import type { InboundBlob, OutboundBlob } from '@flaminia/delivery-a1/internal';
import type { Coverage } from './coverage.ts';
import type { Entry } from './entry.ts';
import type { Random } from './random.ts';
import { RuleBroken } from './rule-broken.ts';
import { PATTERN, StreamEntry } from './stream-entry.ts';
import {
  type ReaderTemper,
  StreamReader,
  type StreamStage,
  StreamWriter,
  type WriterTemper,
} from './stream-programs.ts';
import type { Trace } from './trace.ts';
import type { VirtualDomus } from './virtual-domus.ts';

const WRITERS: readonly WriterTemper[] = [
  'hurrying',
  'hurrying',
  'dripping',
  'dripping',
  'giving up',
  'falling asleep',
];
const READERS: readonly ReaderTemper[] = ['hurrying', 'hurrying', 'hurrying', 'slow', 'slow', 'stopping', 'leaving'];

const MOST_CHUNKS = 200;

export type Program = StreamWriter | StreamReader;

/** What streams ask of the simulation. */
export interface StreamsHost {
  readonly random: Random;
  readonly trace: Trace;
  readonly coverage: Coverage;
  /** The longest stream. */
  readonly bytesMost: number;
  /** The smallest chunk that a running domus proposes: a stream of very many chunks would not end in calm. */
  chunkLeast(): number;
  /** Runs `step` of the program with this index after a while. */
  planProgram(index: number): void;
}

export class Streams implements StreamStage {
  readonly programs: Program[] = [];
  /** Those that may still have something to do. */
  private readonly auditable: Program[] = [];
  private readonly entries: StreamEntry[] = [];
  /** Those that may not be over. */
  private readonly running: StreamEntry[] = [];
  private readonly host: StreamsHost;

  constructor(host: StreamsHost) {
    this.host = host;
  }

  /** A domus sends a message that opens a stream. */
  begin(domus: VirtualDomus, make: () => Entry): Entry {
    const { random } = this.host;
    const entry = make();
    const most = Math.min(this.host.bytesMost, this.host.chunkLeast() * MOST_CHUNKS);
    const total = random.chance(10) ? 0 : random.skewed(0, most);
    const stream = new StreamEntry(this.entries.length, entry, domus, random.below(PATTERN.length - total), total);
    entry.stream = stream;
    this.entries.push(stream);
    this.running.push(stream);
    const writer = new StreamWriter(stream, domus, random.pick(WRITERS), this, this.programs.length);
    this.begun(writer);
    stream.outbound = domus.core.newBlob(writer);
    domus.sendBlob(entry, stream.outbound);
    stream.senderEpoch = domus.core.peers.get(entry.address)?.epoch ?? 0;
    return entry;
  }

  /** A handler has taken the message that opens a stream. */
  receive(stream: StreamEntry, blob: InboundBlob, domus: VirtualDomus): void {
    stream.receiverEpoch = domus.core.peers.get(blob.peer)?.epoch ?? 0;
    const temper = this.host.random.pick(READERS);
    this.begun(new StreamReader(stream, blob, domus, temper, this, this.programs.length));
  }

  private begun(program: Program): void {
    this.programs.push(program);
    this.auditable.push(program);
  }

  /** Every program of a domus that runs ends what it does as soon as it can. */
  hurryAll(): void {
    for (const program of [...this.programs]) {
      if (!program.domus.isUp || program.domus.core.closing) continue;
      program.hurry();
      program.domus.endTurn();
    }
  }

  /** Streams that are not over. */
  get open(): number {
    this.dropOver();
    return this.running.filter(isOpen).length;
  }

  /** Bytes that have been written and read of those that are not over: the same again where nothing goes on. */
  get moved(): number {
    this.dropOver();
    return this.running.reduce((sum, { written, read }) => sum + written + read, 0);
  }

  /** The first that is not over, for the text of a failure. */
  get example(): string {
    const stream = this.running.find(isOpen);
    if (stream === undefined) return 'none';
    const { number, outbound, inbound, written, read, total, chunks } = stream;
    return (
      `stream ${number}: ${written} of ${total} bytes written, ${read} read, ${chunks.open.size} chunks unanswered, ` +
      `sender ${outbound!.state}, receiver ${inbound?.state ?? 'none'}`
    );
  }

  /** Outgoing streams of a domus that are under way. */
  openAt(domus: VirtualDomus): number {
    this.dropOver();
    let count = 0;
    for (const { sender } of this.running) if (sender === domus) count++;
    return count;
  }

  private dropOver(): void {
    let kept = 0;
    for (const stream of this.running)
      if (stream.sender.isUp && !stream.outbound!.isOver) this.running[kept++] = stream;
    this.running.length = kept;
  }

  /** What has waited for too long, at either end. */
  audit(domus: VirtualDomus): void {
    let kept = 0;
    for (const program of this.auditable) {
      if (program.domus === domus) program.audit();
      if (program.domus.isUp && !program.isOver) this.auditable[kept++] = program;
    }
    this.auditable.length = kept;
  }

  /** Nothing of a domus that has ended is left. */
  checkEnded(domus: VirtualDomus): void {
    const { blobsIn, blobsOut } = domus.core;
    // What has arrived whole may still be read.
    const unread = this.programs.reduce((sum, program) => sum + (program.domus === domus ? program.unread : 0), 0);
    if (blobsIn.reserved !== unread)
      throw new RuleBroken(6, `${blobsIn.reserved} bytes stay reserved for incoming streams, ${unread} are unread`);
    if (blobsOut.reserved !== 0)
      throw new RuleBroken(6, `${blobsOut.reserved} bytes stay reserved for outgoing streams`);
    for (const { sender, outbound, number } of this.entries) {
      if (sender === domus && !outbound!.isOver) throw new RuleBroken(3, `stream ${number} is left after shutdown`);
    }
  }

  // --- what programs say -------------------------------------------------------------------------------------------

  planStep(program: Program): void {
    this.host.planProgram(program.index);
  }

  portion(): number {
    return this.host.random.skewed(1, Math.max(1, this.host.bytesMost >> 2));
  }

  chance(percent: number): boolean {
    return this.host.random.chance(percent);
  }

  wrote(stream: StreamEntry, count: number): void {
    if (stream.outbound!.place === 'in line') this.host.coverage.saw('stream stands in line');
    this.host.trace.note(9, stream.number, count);
  }

  read(stream: StreamEntry, bytes: Uint8Array): void {
    const { trace, coverage } = this.host;
    trace.note(10, stream.number, bytes.length);
    trace.print?.(`stream ${stream.number}: ${bytes.length} bytes are read`);
    stream.check(bytes, stream.read, 'at the reader');
    stream.read += bytes.length;
    if (stream.inbound!.isReadOut) {
      if (stream.read !== stream.total)
        throw new RuleBroken(6, `stream ${stream.number} ends after ${stream.read} bytes`);
      coverage.saw('stream read to its end');
    }
  }

  senderEnded(stream: StreamEntry, domus: VirtualDomus): void {
    const { trace, coverage } = this.host;
    const blob = stream.outbound!;
    trace.note(11, stream.number, blob.state === 'ended' ? 1 : 0);
    trace.print?.(`stream ${stream.number} is over for its writer: ${blob.failure?.kind ?? 'complete'}`);
    if (blob.state !== 'ended') {
      coverage.saw('stream failed');
      checkGivenUp(blob, stream.entry.address, stream.senderEpoch, domus);
      return;
    }
    coverage.saw('stream complete');
    if (stream.inbound?.bytesReceived !== stream.total)
      throw new RuleBroken(6, `stream ${stream.number} is complete for its writer, but not all bytes have arrived`);
  }

  receiverEnded(stream: StreamEntry, domus: VirtualDomus): void {
    const { trace, coverage } = this.host;
    const { failure } = stream.inbound!;
    trace.note(12, stream.number, failure === undefined ? 0 : failure.kind.length);
    trace.print?.(`stream ${stream.number} is over for its reader: ${failure?.kind ?? 'read'}`);
    if (failure?.kind === 'blob-stream-idle-timeout') {
      coverage.saw('stream idle for too long');
      if (stream.readable > stream.read) throw new RuleBroken(6, 'a stream whose reader is slow counts as idle');
    }
    if (failure?.detail === 'stream-aborted') coverage.saw('stream given up by its writer');
    checkGivenUp(stream.inbound!, stream.inbound!.peer, stream.receiverEpoch, domus);
  }
}

/** A stream of a session that lives on is not given up as one of before: only other numbers end it so. */
function checkGivenUp(blob: InboundBlob | OutboundBlob, peer: string, epoch: number, domus: VirtualDomus): void {
  if (blob.failure?.kind !== 'peer-restarted' || blob.numbers.window === 0) return;
  const session = domus.core.peers.get(peer);
  if (session?.blobs === undefined || session.epoch !== epoch) return;
  const { chunkBytes, window } = session.blobs.numbers;
  if (chunkBytes !== blob.numbers.chunkBytes || window !== blob.numbers.window) return;
  throw new RuleBroken(
    7,
    `domus ${domus.index} gives a stream up as one that its peer has forgotten, in the same session`,
  );
}

/** Its sender runs, and is not done with it. */
function isOpen({ sender, outbound, entry }: StreamEntry): boolean {
  return sender.isUp && outbound!.state === 'open' && entry.state === 'accepted';
}
