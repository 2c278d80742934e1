/** Messages on their way, and what to do once it is known how they fared. The host settles each, once. */
import type { MessageType } from './message-types.ts';
import type { TopologySink } from './topology-sink.ts';

/** How a message failed. */
export type Failure =
  /** The peer could not be reached in time, as far as this node can tell. */
  | 'unreachable'
  /** The peer is there, and said no. */
  | 'rejected'
  /** The peer is there, and has no topology: a domus without services. */
  | 'outside'
  /** Nothing follows from it for the peer: told far too late, or refused here. */
  | 'inconclusive';

export interface Outcome {
  delivered(now: number): void;
  /** `text`: that of a rejection. */
  failed(failure: Failure, now: number, text: string): void;
}

interface Pending {
  readonly outcome: Outcome;
  readonly deadline: number;
}

/** Told so much after its deadline, a failure says that this node was asleep. */
const LATE_MS = 250;

export class Outbox {
  private readonly sink: TopologySink;
  private readonly pending: Map<number, Pending> = new Map();
  private readonly judgesSleep: boolean;
  private lastToken = 0;

  /** `judgesSleep`: a failure that is told far too late says nothing of the peer. */
  constructor(sink: TopologySink, judgesSleep: boolean) {
    this.judgesSleep = judgesSleep;
    this.sink = sink;
  }

  /** Sends; the outcome is told later, once. */
  post(to: string, type: MessageType, payload: Uint8Array, deadline: number, outcome: Outcome): void {
    this.lastToken += 1;
    this.pending.set(this.lastToken, { outcome, deadline });
    this.sink.send(to, type, payload, deadline, this.lastToken);
  }

  delivered(token: number, now: number): void {
    this.take(token)?.outcome.delivered(now);
  }

  failed(token: number, failure: Failure, now: number, text: string): void {
    const pending = this.take(token);
    if (pending === undefined) return;
    const isLate = this.judgesSleep && failure === 'unreachable' && now > pending.deadline + LATE_MS;
    pending.outcome.failed(isLate ? 'inconclusive' : failure, now, text);
  }

  private take(token: number): Pending | undefined {
    const pending = this.pending.get(token);
    this.pending.delete(token);
    return pending;
  }
}

/** For messages whose fate changes nothing. */
export const UNWATCHED: Outcome = Object.freeze({ delivered: () => {}, failed: () => {} });
