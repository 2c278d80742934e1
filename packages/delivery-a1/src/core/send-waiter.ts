/** Who waits for the end of a send, and how it may fail. */
import type { ErrorKind } from '@flaminia/transport-a0';

/** Whoever waits for the end of one send. Exactly one of the two is called, once. */
export interface SendWaiter {
  /** The far handler accepted. */
  accepted(): void;
  /** `peer`: the address that the message was for. */
  failed(failure: SendFailure, peer: string): void;
}

/** How a send failed. */
export interface SendFailure {
  readonly kind: ErrorKind;
  readonly text: string;
  /** `refused`: the far side said no. `unknown`: it was written, and no answer came. */
  readonly delivery: 'not-sent' | 'refused' | 'unknown';
  readonly cause: unknown;
  /** A stable word for what exactly, where the kind does not say it. */
  readonly detail?: string;
}
