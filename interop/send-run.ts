/** A run of sends by a Node domus; the counterpart of a run of the Rust peer. */
import { type Domus, type DomusAddr, DomusError, type Endpoint, type ErrorKind } from '@flaminia/domus';
import { numberedPayload } from './numbered-payload.ts';

export interface SendRun {
  readonly to: DomusAddr;
  /** How many messages, each with the numbered payload of its sequence number. */
  readonly count: number;
  /** How many of them are under way at once; default 64. */
  readonly depth?: number;
  /** Sequence number of the first; default 0. */
  readonly first?: number;
  /** Default 64. */
  readonly sizeBytes?: number;
}

export interface SendRunReport {
  readonly accepted: number;
  readonly byError: Readonly<Partial<Record<ErrorKind, number>>>;
}

/** Sends, and resolves with the outcomes when all are known. */
export async function sendRun(domus: Domus, endpoint: Endpoint<Uint8Array>, run: SendRun): Promise<SendRunReport> {
  const { to, count, depth = 64, first = 0, sizeBytes = 64 } = run;
  const byError: Partial<Record<ErrorKind, number>> = {};
  let [next, accepted] = [first, 0];
  const sendInTurn = async (): Promise<void> => {
    while (next < first + count) {
      try {
        await domus.send(endpoint, numberedPayload(next++, sizeBytes), { to });
        accepted++;
      } catch (error) {
        if (!DomusError.is(error)) throw error;
        byError[error.kind] = (byError[error.kind] ?? 0) + 1;
      }
    }
  };
  await Promise.all(Array.from({ length: depth }, sendInTurn));
  return { accepted, byError };
}
