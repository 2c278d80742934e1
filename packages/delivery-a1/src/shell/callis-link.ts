/**
 * One authenticated stream joined to one callis of the machine: bytes in, batches out, drain honoured.
 *
 * 1. One write per flush, but where a large payload goes by reference or the slab is full.
 * 2. Nothing is claimed from the lanes while a write is under way on the one primary: a stream would join what waits behind it, with
 *    a copy, and what was given to it cannot be overtaken. Nor is more than so much claimed at once.
 */
import type { AuthenticatedStream, StreamReceiver } from '@flaminia/transport-a0/internal';
import { owesAcksAlone } from '../core/blob-sending.ts';
import type { Callis } from '../core/callis.ts';
import type { PeerSession } from '../core/peer-session.ts';
import { pollWrite } from '../core/sending.ts';
import type { EndManner } from '../core/sink.ts';
import type { WriteBatch } from '../wire/encode.ts';
import type { Clock } from './clock.ts';
import { Sender } from './peer-driver.ts';
import type { Rounds } from './rounds.ts';
import { Share } from './share.ts';
import type { SlabPool } from './slabs.ts';

/** Bytes queued in a stream from which on the lanes keep their work. */
const QUEUED_BYTES_MAX = 256 * 1024;

/**
 * The same of a blob callis: one write is under way and none waits. A stream joins what waits into one buffer, and chunks lie
 * ready without a copy.
 */
const QUEUED_CHUNK_BYTES_MAX = 64 * 1024;

/** Writes below this do not keep their slab while others wait to be flushed. */
const COPY_BELOW_BYTES = 8 * 1024;

/** What a link needs of its shell. */
export interface LinkHost {
  readonly clock: Clock;
  readonly slabs: SlabPool;
  readonly rounds: Rounds;
  /** Bytes have come on a callis of this peer; `chunk` is not kept beyond the call unless its memory is never written again. */
  bytesIn(session: PeerSession, callis: Callis, chunk: Buffer, isOwn: boolean): void;
  /** Input has come for this peer: run its requests, flush and set its alarm at the end of the turn. */
  turned(session: PeerSession): void;
}

export class CallisLink implements StreamReceiver {
  readonly stream: AuthenticatedStream;
  readonly sender: Sender;
  private readonly session: PeerSession;
  private readonly callis: Callis;
  private readonly host: LinkHost;
  private finishing = false;
  private hasEnded = false;
  private waitsForFlush = false;
  /** Of a blob callis. */
  private share: Share | undefined = undefined;
  /** What each write that has not been flushed gives back, in their order. */
  private readonly unflushed: (() => void)[] = [];

  constructor(stream: AuthenticatedStream, session: PeerSession, callis: Callis, host: LinkHost) {
    this.stream = stream;
    this.sender = new Sender(stream.peer);
    this.session = session;
    this.callis = callis;
    this.host = host;
  }

  bytes(chunk: Buffer, reused: boolean): void {
    const { callis } = this;
    this.host.bytesIn(this.session, callis, chunk, !reused);
    if (callis.blob !== undefined) this.ownShare.noteRead(chunk.length);
  }

  private get ownShare(): Share {
    this.share ??= new Share(this.stream, this.host.rounds, () => this.host.turned(this.session));
    return this.share;
  }

  ended(): void {
    this.session.callisDown(this.callis, 'the peer ended the connection', this.host.clock.now());
    this.host.turned(this.session);
  }

  drained(): void {
    this.session.drained(this.callis);
    this.host.turned(this.session);
  }

  closed(error: Error | undefined): void {
    this.session.callisDown(this.callis, error?.message ?? '', this.host.clock.now());
    this.host.turned(this.session);
  }

  /** The machine ends this callis. */
  end(manner: EndManner): void {
    if (manner === 'destroy') this.stream.destroy();
    else this.finishing = true;
  }

  /** A write would leave at once. */
  get mayWrite(): boolean {
    return !this.callis.isBlocked && this.unflushed.length === 0;
  }

  /** Beside another primary it is for the machine to say which of them writes what: one that waits by itself would hold both up. */
  private get isOnlyPrimary(): boolean {
    const { callis } = this;
    if (callis.blob !== undefined) return false;
    for (const other of this.session.calles) if (other !== callis && other.blob === undefined) return false;
    return true;
  }

  /** Writes what is ready for this callis. */
  flush(now: number): void {
    const { stream, session, callis } = this;
    this.waitsForFlush = this.unflushed.length > 0 && this.isOnlyPrimary;
    if (this.waitsForFlush) return;
    const share = callis.blob !== undefined && callis.phase === 'active' ? this.ownShare : undefined;
    if (share !== undefined && owesAcksAlone(session, callis) && !share.mayWriteAcksAlone()) return;
    while (!callis.isBlocked && share?.mayWrite() !== false) {
      const batch = this.poll(now);
      if (batch.isEmpty) break;
      this.write(batch);
      share?.noteWritten(batch.attachment?.length ?? 0);
      callis.noteWritten(now);
      const most = callis.blob === undefined ? QUEUED_BYTES_MAX : QUEUED_CHUNK_BYTES_MAX;
      if (stream.writableLength > most) session.blocked(callis, now);
      // Room that was left is room that nothing needed.
      if (batch.hasRoom) break;
    }
    if (!this.finishing || this.hasEnded) return;
    this.hasEnded = true;
    stream.end();
    if (this.unflushed.length === 0) session.saidAll(callis, now);
  }

  /** A batch of what is ready. */
  private poll(now: number): WriteBatch {
    const { slabs } = this.host;
    const batch = slabs.open();
    try {
      pollWrite(this.session, this.callis, batch, now);
    } finally {
      slabs.close();
    }
    return batch;
  }

  /** Gives the batch to the stream, with the payload that goes by reference behind it. */
  private write({ attachment, attachmentId, attachmentFlushed, hasBytes }: WriteBatch): void {
    const { stream } = this;
    if (attachment === undefined) {
      this.writeRegion();
      return;
    }
    // Most often the attachment goes alone: chunks of blob streams lie ready with their frames.
    if (hasBytes) {
      stream.cork();
      this.writeRegion();
    }
    if (attachmentFlushed === undefined) this.callis.attached.push(attachmentId);
    this.unflushed.push(attachmentFlushed ?? this.payloadFlushed);
    stream.write(attachment, this.onFlushed);
    if (hasBytes) stream.uncork();
  }

  /** A small region behind others is copied: it would hold a whole slab for as long as the peer does not read. */
  private writeRegion(): void {
    const { slabs } = this.host;
    const region = slabs.take();
    const release = slabs.onFlushed;
    if (region.length < COPY_BELOW_BYTES && this.unflushed.length > 0) {
      this.unflushed.push(nothing);
      this.stream.write(Buffer.from(region), this.onFlushed);
      release();
    } else {
      this.unflushed.push(release);
      this.stream.write(region, this.onFlushed);
    }
  }

  /** The stream flushes in the order of the writes. */
  private readonly onFlushed = (): void => {
    this.unflushed.shift()?.();
    if (this.unflushed.length > 0) {
      this.callis.noteFlushed(this.host.clock.now());
      return;
    }
    this.callis.noteAllFlushed();
    if (this.waitsForFlush) this.host.turned(this.session);
    if (this.finishing) this.session.saidAll(this.callis, this.host.clock.now());
  };

  private readonly payloadFlushed = (): void => {
    this.callis.attached.shift();
  };
}

function nothing(): void {}
