// client.ts: follows the events of a user's sessions for as long as the signal lasts, over the loss of connections and
// providers. None is missed and none comes twice.
import { setTimeout as pause } from 'node:timers/promises';
import { type Client, ProcedureError } from '@flaminia/domus/services';
import type { Cursor, Identity, Session, SessionEvent } from './contract.ts';

type IdentityClient = Client<typeof Identity>;

/** What a follower is told: the list to begin with, again where events were lost, and each event behind it. */
export type Told =
  | { readonly kind: 'list'; readonly sessions: readonly Session[] }
  | { readonly kind: 'event'; readonly event: SessionEvent };

const RETRY_AFTER_MS = 250;

export async function* followSessions(
  client: IdentityClient,
  userId: string,
  options: { readonly signal: AbortSignal; readonly retryAfterMs?: number },
): AsyncGenerator<Told> {
  const { signal, retryAfterMs = RETRY_AFTER_MS } = options;
  let after: Cursor | undefined;
  while (!signal.aborted) {
    try {
      if (after === undefined) {
        const { sessions, cursor } = await client.listUserSessions({ userId }, { signal });
        yield { kind: 'list', sessions };
        after = cursor;
      }
      for await (const event of client.subscribeSessionEvents({ after, userId }, { signal })) {
        yield { kind: 'event', event };
        after = event.cursor;
      }
    } catch (error) {
      if (signal.aborted) return;
      if (!ProcedureError.is(error)) throw error;
      if (error.code === 'failed-precondition')
        after = undefined; // too far behind, or another history
      else if (error.code !== 'unavailable' && error.code !== 'no-providers') throw error;
    }
    await pause(retryAfterMs, undefined, { signal }).catch(() => {});
  }
}
