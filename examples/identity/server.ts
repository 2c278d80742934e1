// server.ts: offers the service. Who may call what stands beside it, and whoever is not listed is refused.
import { allowList, type Imperium, nodeId, nodeType, type Provision } from '@flaminia/domus/services';
import { Identity } from './contract.ts';
import type { Sessions } from './sessions.ts';

export function provideIdentity(imperium: Imperium, sessions: Sessions): Promise<Provision> {
  return imperium.provide(
    Identity,
    {
      createSession: (input) => sessions.create(input),
      validateSession: ({ token }) => sessions.validate(token),
      getUser: ({ id }) => sessions.user(id),
      getUserByEmail: ({ email }) => sessions.userByEmail(email),
      revokeSession: ({ sessionId, reason }) => ({ revoked: sessions.revoke(sessionId, reason) }),
      revokeUserSessions: ({ userId, reason }) => ({
        revoked: sessions.of(userId).filter(({ id }) => sessions.revoke(id, reason)).length,
      }),
      listUserSessions: ({ userId }) => ({ sessions: sessions.of(userId), cursor: sessions.events.cursor }),
      // Its signal ends when the subscriber leaves or is lost, and when this node leaves.
      async *subscribeSessionEvents({ after, userId }, { signal }) {
        for await (const event of sessions.events.after(after, signal)) {
          if (userId === undefined || event.session.userId === userId) yield event;
        }
      },
    },
    {
      verifier: allowList(Identity, {
        createSession: [nodeType('login')],
        validateSession: [nodeType('gateway'), nodeType('login')],
        '*': [nodeId('admin-1')],
      }),
    },
  );
}
