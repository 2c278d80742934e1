/**
 * An authenticated stream whose far end is the test: it notes every call, and the test says what comes and when a write
 * leaves. Bytes of a write are read when it is flushed, as a system may do, so a buffer that is used too early shows.
 */
import assert from 'node:assert/strict';
import type { PeerIdentity } from '@flaminia/transport-a0';
import type { AuthenticatedStream, StreamReceiver } from '@flaminia/transport-a0/internal';
import { type Frame, framesOf } from './frame-lines.ts';

interface Write {
  readonly chunk: Uint8Array;
  readonly flushed: (() => void) | undefined;
}

export class ScriptedStream implements AuthenticatedStream {
  readonly kind: 'tcp' | 'unix' = 'unix';
  readonly direction: 'dialled' | 'accepted';
  readonly peer: PeerIdentity;
  readonly challengeSequence: number;
  /** Every call but `start`, in order. */
  readonly calls: ('write' | 'cork' | 'uncork' | 'pause' | 'resume' | 'end' | 'destroy')[] = [];
  /** Chunks as they were given to `write`. */
  readonly chunks: Uint8Array[] = [];
  /** Writes are flushed in the same turn, as long as this is true. */
  flows = true;
  private readonly waiting: Write[] = [];
  private readonly left: Buffer[] = [];
  private reader: StreamReceiver | undefined = undefined;

  constructor(address: string, direction: 'dialled' | 'accepted' = 'accepted', challengeSequence = 0) {
    this.peer = { address: address as `tcp://${string}`, certificate: undefined, nodeId: null, nodeType: null };
    this.direction = direction;
    this.challengeSequence = challengeSequence;
  }

  get writableLength(): number {
    return this.waiting.reduce((sum, { chunk }) => sum + chunk.length, 0);
  }

  /** How many writes there were. */
  get writes(): number {
    return this.chunks.length;
  }

  start(receiver: StreamReceiver): void {
    assert.equal(this.reader, undefined);
    this.reader = receiver;
  }

  write(chunk: Uint8Array, flushed?: () => void): boolean {
    this.calls.push('write');
    this.chunks.push(chunk);
    this.waiting.push({ chunk, flushed });
    if (this.flows) process.nextTick(() => this.flush());
    return this.writableLength < 64 * 1024;
  }

  cork(): void {
    this.calls.push('cork');
  }

  uncork(): void {
    this.calls.push('uncork');
  }

  pause(): void {
    this.calls.push('pause');
  }

  resume(): void {
    this.calls.push('resume');
  }

  end(): void {
    this.calls.push('end');
  }

  destroy(): void {
    this.calls.push('destroy');
  }

  // --- what the test does ----------------------------------------------------------------------------------------

  get isEnded(): boolean {
    return this.calls.includes('end');
  }

  get isDestroyed(): boolean {
    return this.calls.includes('destroy');
  }

  /** The frames that have left, in order. */
  get frames(): Frame[] {
    return framesOf(Buffer.concat(this.left));
  }

  /** The same, a line each. */
  get lines(): string[] {
    return this.frames.map(({ line }) => line);
  }

  /** Lets all that was written leave. */
  flush(): void {
    for (const { chunk, flushed } of this.waiting.splice(0)) {
      this.left.push(Buffer.from(chunk));
      flushed?.();
    }
  }

  /** The same, and says that there is room again. */
  drain(): void {
    this.flush();
    this.reader?.drained();
  }

  /** Bytes of the peer, in a buffer that is used again right behind the call. */
  give(...frames: readonly Buffer[]): void {
    const chunk = Buffer.concat(frames);
    this.reader?.bytes(chunk, true);
    chunk.fill(0xdd);
  }

  /** The peer ends its direction. */
  giveEnd(): void {
    this.reader?.ended();
  }

  giveClose(error?: Error): void {
    this.reader?.closed(error);
  }
}
