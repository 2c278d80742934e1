/**
 * The in-memory backend: authenticated streams between domus of one process, without sockets or certificates, for the
 * tests of applications. It keeps the contract of the others: bytes in order, in turns of their own, backpressure, half
 * closes, one `closed` at the end. Who a domus is stands in its options, since there is nothing to prove.
 */
import type { DomusAddr } from './address.ts';
import type { Backend, BackendOptions } from './backend.ts';
import { DomusError } from './domus-error.ts';
import type { PeerIdentity } from './identity.ts';
import type { AuthenticatedStream, StreamReceiver } from './stream.ts';

/** Bytes on their way to the other end from which on `write` asks to wait. */
const HIGH_WATER_BYTES = 64 * 1024;

export interface MemoryBackendOptions extends Pick<BackendOptions, 'address' | 'nextSequence' | 'events'> {
  readonly nodeId: string | null;
  readonly nodeType: string | null;
}

/** The network that joins the in-memory backends of one imperium. */
export class MemoryNetwork {
  private readonly listening = new Map<string, MemoryBackend>();
  private readonly cuts = new Set<string>();
  private readonly streams = new Set<MemoryStream>();

  backend(options: MemoryBackendOptions): Backend {
    return new MemoryBackend(this, options);
  }

  /** Cuts every connection between two domus and refuses new ones until `heal`. */
  cut(a: DomusAddr, b: DomusAddr): void {
    this.cuts.add(pairKey(a, b));
    for (const stream of [...this.streams]) {
      if (pairKey(stream.own, stream.peer.address) === pairKey(a, b)) stream.fail(new Error('the connection was cut'));
    }
  }

  /** Allows all connections again. */
  heal(): void {
    this.cuts.clear();
  }

  /** Ends of connections that are not closed. @internal */
  get openEnds(): number {
    return this.streams.size;
  }

  /** @internal */
  listen(backend: MemoryBackend): void {
    const { address } = backend.options;
    if (this.listening.has(address)) throw new DomusError('bind-failed', `${address} is in use`, { peer: address });
    this.listening.set(address, backend);
  }

  /** @internal */
  unlisten(backend: MemoryBackend): void {
    if (this.listening.get(backend.options.address) === backend) this.listening.delete(backend.options.address);
  }

  /** @internal */
  connect(from: MemoryBackend, to: DomusAddr): MemoryStream {
    const target = this.listening.get(to);
    if (target === undefined || this.cuts.has(pairKey(from.options.address, to))) {
      throw new DomusError('peer-unavailable', `connection to ${to} was refused`, { peer: to });
    }
    const dialled = new MemoryStream('dialled', from.options.address, target.identity, 0, this.streams);
    const sequence = target.options.nextSequence();
    const accepted = new MemoryStream('accepted', to, from.identity, sequence, this.streams);
    dialled.joinTo(accepted);
    accepted.joinTo(dialled);
    target.options.events.accepted(accepted);
    return dialled;
  }
}

class MemoryBackend implements Backend {
  readonly kind = 'memory';
  readonly options: MemoryBackendOptions;
  readonly identity: PeerIdentity;
  private readonly network: MemoryNetwork;
  private state: 'new' | 'listening' | 'closed' = 'new';

  constructor(network: MemoryNetwork, options: MemoryBackendOptions) {
    this.network = network;
    this.options = options;
    const { address, nodeId, nodeType } = options;
    this.identity = { address, certificate: undefined, nodeId, nodeType };
  }

  async listen(): Promise<void> {
    if (this.state !== 'new') throw new DomusError('invalid-state', 'a backend listens once');
    this.network.listen(this);
    this.state = 'listening';
  }

  async dial(peer: DomusAddr, signal: AbortSignal): Promise<AuthenticatedStream> {
    await nextTurn();
    if (this.state === 'closed') throw new DomusError('domus-closed', 'the domus was shut down', { peer });
    if (signal.aborted) throw new DomusError('peer-unavailable', 'the dial was given up', { peer });
    return this.network.connect(this, peer);
  }

  async close(): Promise<void> {
    this.state = 'closed';
    this.network.unlisten(this);
  }
}

/** One write on its way. */
interface Piece {
  readonly bytes: Buffer;
  readonly flushed: (() => void) | undefined;
}

/**
 * One end of a connection. Each end keeps what it has written until its own turn hands that to the reader of the other;
 * so what an end tells its reader, it tells from a turn of its own or of the other end, never from inside a call.
 */
class MemoryStream implements AuthenticatedStream {
  readonly kind = 'memory';
  readonly direction: 'dialled' | 'accepted';
  readonly own: DomusAddr;
  readonly peer: PeerIdentity;
  readonly challengeSequence: number;
  private readonly living: Set<MemoryStream>;
  private other!: MemoryStream;
  private reader: StreamReceiver | undefined = undefined;
  private readonly queue: Piece[] = [];
  private queuedBytes = 0;
  private outward: 'open' | 'ending' | 'ended' = 'open';
  private destroyed = false;
  private isPaused = false;
  private cause: Error | undefined = undefined;
  private corks = 0;
  private wantsDrain = false;
  private turnPlanned = false;
  private endTold = false;
  private closeTold = false;

  constructor(
    direction: 'dialled' | 'accepted',
    own: DomusAddr,
    peer: PeerIdentity,
    challengeSequence: number,
    living: Set<MemoryStream>,
  ) {
    this.direction = direction;
    this.own = own;
    this.peer = peer;
    this.challengeSequence = challengeSequence;
    this.living = living;
    living.add(this);
  }

  joinTo(other: MemoryStream): void {
    this.other = other;
  }

  get writableLength(): number {
    return this.queuedBytes;
  }

  start(receiver: StreamReceiver): void {
    if (this.reader !== undefined) throw new Error('a stream has one reader');
    this.reader = receiver;
    this.plan();
    this.other.plan();
  }

  write(chunk: Uint8Array, flushed?: () => void): boolean {
    if (this.outward !== 'open' || this.destroyed) {
      if (flushed !== undefined) queueMicrotask(flushed);
      return true;
    }
    // The writer may use its bytes again once they are flushed, and the reader may keep what it gets.
    this.queue.push({ bytes: Buffer.from(chunk), flushed });
    this.queuedBytes += chunk.length;
    this.plan();
    if (this.queuedBytes < HIGH_WATER_BYTES) return true;
    this.wantsDrain = true;
    return false;
  }

  cork(): void {
    this.corks++;
  }

  uncork(): void {
    if (this.corks > 0) this.corks--;
    if (this.corks === 0) this.plan();
  }

  pause(): void {
    this.isPaused = true;
  }

  resume(): void {
    this.isPaused = false;
    this.other.plan();
  }

  end(): void {
    if (this.outward !== 'open' || this.destroyed) return;
    this.outward = 'ending';
    this.corks = 0;
    this.plan();
  }

  destroy(): void {
    this.fail(undefined);
  }

  /** Ends this end at once; with a cause, the other end too, and both are told it. */
  fail(cause: Error | undefined): void {
    if (this.destroyed) return;
    this.destroyed = true;
    this.cause = cause;
    this.living.delete(this);
    for (const { flushed } of this.queue.splice(0)) if (flushed !== undefined) queueMicrotask(flushed);
    this.queuedBytes = 0;
    this.plan();
    if (cause === undefined) this.other.plan();
    else this.other.fail(cause);
  }

  /** Moves what is due in a turn of its own. */
  private plan(): void {
    if (this.turnPlanned) return;
    this.turnPlanned = true;
    setImmediate(() => {
      this.turnPlanned = false;
      this.turn();
    });
  }

  private turn(): void {
    const { other } = this;
    if (this.destroyed) {
      this.tellClosed();
    } else if (other.destroyed) {
      this.tellEnded();
      this.fail(undefined);
    } else if (other.reader !== undefined && this.corks === 0) {
      this.handOver(other.reader);
      this.endOutward();
      this.tellDrained();
    }
  }

  /** Tells the other end what was written before this turn, unless one of the two is destroyed meanwhile. */
  private handOver(reader: StreamReceiver): void {
    const { other } = this;
    for (let rest = this.queue.length; rest > 0; rest--) {
      if (this.destroyed || other.destroyed || other.isPaused) return;
      const { bytes, flushed } = this.queue.shift()!;
      this.queuedBytes -= bytes.length;
      if (bytes.length > 0) reader.bytes(bytes, false);
      flushed?.();
    }
  }

  private endOutward(): void {
    const { other } = this;
    if (this.outward !== 'ending' || this.queue.length > 0 || this.destroyed || other.destroyed) return;
    this.outward = 'ended';
    other.tellEnded();
    if (other.outward !== 'ended') return;
    this.fail(undefined);
    other.fail(undefined);
  }

  private tellEnded(): void {
    if (this.endTold || this.destroyed) return;
    this.endTold = true;
    this.reader?.ended();
  }

  private tellDrained(): void {
    if (!this.wantsDrain || this.queuedBytes > 0 || this.destroyed) return;
    this.wantsDrain = false;
    this.reader?.drained();
  }

  private tellClosed(): void {
    if (this.closeTold || this.reader === undefined) return;
    this.closeTold = true;
    this.reader.closed(this.cause);
  }
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}

function pairKey(a: string, b: string): string {
  return a < b ? `${a} ${b}` : `${b} ${a}`;
}
