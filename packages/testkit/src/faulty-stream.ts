/**
 * Streams that break at a chosen moment. Each call of a stream, and each thing that it tells its reader, is a moment; a
 * plan counts them over all streams that share it, and strikes once. A scenario that is run with the fault at its first
 * moment, then at its second, and so on to its last, has met the fault in every state that it goes through.
 */
import type { AuthenticatedStream, Backend, BackendEvents, StreamReceiver } from '@flaminia/transport-a0/internal';

/** Counts the moments of some streams, and strikes at one of them. */
export class FaultPlan {
  private left: number;
  private readonly fault: (stream: AuthenticatedStream) => void;

  /** `moment` counts from 0; one beyond the last never comes. `fault` breaks the stream at hand, as it likes. */
  constructor(moment: number, fault: (stream: AuthenticatedStream) => void) {
    this.left = moment;
    this.fault = fault;
  }

  get hasStruck(): boolean {
    return this.left < 0;
  }

  /** One moment more; true when it was the one. */
  strikes(stream: AuthenticatedStream): boolean {
    if (this.left-- !== 0) return false;
    this.fault(stream);
    return true;
  }

  /** A backend whose streams, dialled and accepted, all follow this plan. */
  backend(events: BackendEvents, build: (events: BackendEvents) => Backend): Backend {
    const backend = build({ ...events, accepted: (stream) => events.accepted(new FaultyStream(stream, this)) });
    return {
      kind: backend.kind,
      listen: () => backend.listen(),
      dial: async (peer, signal) => new FaultyStream(await backend.dial(peer, signal), this),
      close: () => backend.close(),
    };
  }
}

/**
 * A stream that behaves until its plan strikes. Bytes come in two halves, so that the fault may be between; nothing more
 * is read from a stream that broke while it read, whether the fault ended it or not.
 */
class FaultyStream implements AuthenticatedStream {
  private readonly inner: AuthenticatedStream;
  private readonly plan: FaultPlan;
  private isDeaf = false;

  constructor(inner: AuthenticatedStream, plan: FaultPlan) {
    this.inner = inner;
    this.plan = plan;
  }

  get kind(): AuthenticatedStream['kind'] {
    return this.inner.kind;
  }

  get direction(): AuthenticatedStream['direction'] {
    return this.inner.direction;
  }

  get peer(): AuthenticatedStream['peer'] {
    return this.inner.peer;
  }

  get challengeSequence(): number {
    return this.inner.challengeSequence;
  }

  get writableLength(): number {
    return this.inner.writableLength;
  }

  start(receiver: StreamReceiver): void {
    this.plan.strikes(this.inner);
    this.inner.start({
      bytes: (chunk, reused) => this.bytes(receiver, chunk, reused),
      ended: () => {
        if (!this.plan.strikes(this.inner)) receiver.ended();
      },
      drained: () => {
        if (!this.plan.strikes(this.inner)) receiver.drained();
      },
      closed: (error) => receiver.closed(error),
    });
  }

  write(chunk: Uint8Array, flushed?: () => void): boolean {
    this.plan.strikes(this.inner);
    const goesOn = this.inner.write(chunk, flushed);
    this.plan.strikes(this.inner);
    return goesOn;
  }

  cork(): void {
    this.inner.cork();
  }

  uncork(): void {
    this.plan.strikes(this.inner);
    this.inner.uncork();
  }

  pause(): void {
    this.inner.pause();
  }

  resume(): void {
    this.inner.resume();
  }

  end(): void {
    this.plan.strikes(this.inner);
    this.inner.end();
    this.plan.strikes(this.inner);
  }

  destroy(): void {
    this.isDeaf = true;
    this.inner.destroy();
  }

  private bytes(receiver: StreamReceiver, chunk: Buffer, reused: boolean): void {
    const half = chunk.length >> 1;
    for (const part of [chunk.subarray(0, half), chunk.subarray(half)]) {
      this.isDeaf ||= this.plan.strikes(this.inner);
      if (!this.isDeaf && part.length > 0) receiver.bytes(part, reused);
    }
    this.isDeaf ||= this.plan.strikes(this.inner);
  }
}
