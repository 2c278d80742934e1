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

  constructor(network: MemoryNetwork, options: MemoryBackendOptions) {
    this.network = network;
    this.options = options;
    const { address, nodeId, nodeType } = options;
    this.identity = { address, certificate: undefined, nodeId, nodeType };
  }

  async listen(): Promise<void> {
    this.network.listen(this);
  }

  async dial(peer: DomusAddr, signal: AbortSignal): Promise<AuthenticatedStream> {
    await nextTurn();
    if (signal.aborted) throw new DomusError('peer-unavailable', 'the dial was given up', { peer });
    return this.network.connect(this, peer);
  }

  async close(): Promise<void> {
    this.network.unlisten(this);
  }
}

class MemoryStream implements AuthenticatedStream {
  readonly kind = 'memory';
  readonly direction: 'dialled' | 'accepted';
  readonly own: DomusAddr;
  readonly peer: PeerIdentity;
  readonly challengeSequence: number;
  private readonly living: Set<MemoryStream>;
  private other: MemoryStream | undefined = undefined;
  private receiver: StreamReceiver | undefined = undefined;
  private readonly queue: { bytes: Buffer; flushed: (() => void) | undefined }[] = [];
  private queued = 0;
  private state: 'open' | 'ending' | 'ended' | 'destroyed' = 'open';
  private cause: Error | undefined = undefined;
  private wantsDrain = false;
  private planned = false;
  private closedTold = false;

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
    return this.queued;
  }

  start(receiver: StreamReceiver): void {
    this.receiver = receiver;
    this.plan();
    this.other?.plan();
  }

  write(chunk: Uint8Array, flushed?: () => void): boolean {
    if (this.state !== 'open') {
      if (flushed !== undefined) queueMicrotask(flushed);
      return true;
    }
    // The writer may use its bytes again once they are flushed, and the reader may keep what it gets.
    this.queue.push({ bytes: Buffer.from(chunk), flushed });
    this.queued += chunk.length;
    this.plan();
    if (this.queued < HIGH_WATER_BYTES) return true;
    this.wantsDrain = true;
    return false;
  }

  cork(): void {}

  uncork(): void {}

  end(): void {
    if (this.state !== 'open') return;
    this.state = 'ending';
    this.plan();
  }

  destroy(): void {
    this.fail(undefined);
  }

  /** Ends both ends; `cause` is what both are told. */
  fail(cause: Error | undefined): void {
    if (this.state === 'destroyed') return;
    this.state = 'destroyed';
    this.cause = cause;
    this.living.delete(this);
    for (const { flushed } of this.queue.splice(0)) if (flushed !== undefined) queueMicrotask(flushed);
    this.queued = 0;
    this.plan();
    this.other?.plan();
    if (cause !== undefined) this.other?.fail(cause);
  }

  /** Moves what is due in a turn of its own. */
  private plan(): void {
    if (this.planned) return;
    this.planned = true;
    setImmediate(() => {
      this.planned = false;
      this.move();
    });
  }

  private move(): void {
    const { other, receiver } = this;
    if (this.state === 'destroyed') {
      this.tellClosed();
      return;
    }
    if (other === undefined) return;
    if (other.state === 'destroyed') {
      receiver?.ended();
      this.fail(undefined);
      return;
    }
    if (other.receiver !== undefined) this.deliver(other, other.receiver);
    if (this.state === 'ended' && other.state === 'ended') this.fail(undefined);
  }

  private deliver(other: MemoryStream, receiver: StreamReceiver): void {
    for (const { bytes, flushed } of this.queue.splice(0)) {
      this.queued -= bytes.length;
      if (other.state !== 'destroyed' && bytes.length > 0) receiver.bytes(bytes, false);
      flushed?.();
    }
    if (this.state === 'ending' && this.queue.length === 0) {
      this.state = 'ended';
      receiver.ended();
    }
    if (this.wantsDrain && this.queued === 0 && (this.state as string) !== 'destroyed') {
      this.wantsDrain = false;
      this.receiver?.drained();
    }
  }

  private tellClosed(): void {
    if (this.closedTold || this.receiver === undefined) return;
    this.closedTold = true;
    this.receiver.closed(this.cause);
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
