/** What blob streams need of the session that they belong to. */
import type { Callis } from './callis.ts';
import type { SessionContext } from './session-context.ts';

export interface BlobSession {
  readonly address: string;
  readonly context: SessionContext;
  readonly state: { readonly kind: 'open' | 'closing' | 'gone' };
  /** The active primary that carries fresh work. */
  readonly outlet: Callis | undefined;
  /** Chunks and completes take their ids from the sequence of messages. */
  readonly retained: { takeId(): number };
  /** For the driver: whatever it keeps for this peer. */
  driver: unknown;
  /** Answers the message that opens a stream; error id 0 is an ack. */
  answer(id: number, errorId: number, text: string, now: number): boolean;
  /** A primary may be needed. */
  considerDial(now: number): void;
  requestWrite(): void;
}
