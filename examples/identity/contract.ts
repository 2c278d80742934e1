// contract.ts: what both sides share. Arriving values are checked by these schemas, and all types follow from them.
import { serverStream, service, unary } from '@flaminia/domus/services';
import { z } from 'zod';

export const User = z.object({
  id: z.string(),
  email: z.email(),
  name: z.string(),
  roles: z.array(z.string()),
  createdAt: z.date(), // CBOR carries dates, bigints, bytes, sets and maps
});
export type User = z.infer<typeof User>;

export const Session = z.object({
  id: z.string(),
  userId: z.string(),
  createdAt: z.date(),
  expiresAt: z.date(),
  userAgent: z.string().optional(),
  attributes: z.record(z.string(), z.string()),
});
export type Session = z.infer<typeof Session>;

export const SessionState = z.discriminatedUnion('state', [
  z.object({ state: z.literal('active'), session: Session, user: User }),
  z.object({ state: z.enum(['revoked', 'expired']), session: Session }),
  z.object({ state: z.literal('unknown') }),
]);
export type SessionState = z.infer<typeof SessionState>;

/** A place in the history of events. `history` is another one after each start of the service. */
export const Cursor = z.object({ history: z.string(), number: z.number().int().nonnegative() });
export type Cursor = z.infer<typeof Cursor>;

export const SessionEvent = z.object({
  cursor: Cursor,
  kind: z.enum(['created', 'revoked', 'expired']),
  at: z.date(),
  session: Session,
  reason: z.string().optional(),
});
export type SessionEvent = z.infer<typeof SessionEvent>;

const NewSession = z.object({
  userId: z.string(),
  ttlMs: z.number().int().positive(),
  userAgent: z.string().optional(),
  attributes: z.record(z.string(), z.string()).default({}),
});

export const Identity = service('identity', 'v1', {
  createSession: unary({ input: NewSession, output: z.object({ token: z.string(), session: Session }) }),
  // Idempotent: may be asked again, of another provider, when nobody knows whether it was carried out.
  validateSession: unary({ input: z.object({ token: z.string() }), output: SessionState, idempotent: true }),
  getUser: unary({ input: z.object({ id: z.string() }), output: User, idempotent: true }),
  getUserByEmail: unary({ input: z.object({ email: z.email() }), output: User, idempotent: true }),
  revokeSession: unary({
    input: z.object({ sessionId: z.string(), reason: z.string() }),
    output: z.object({ revoked: z.boolean() }),
    idempotent: true,
  }),
  revokeUserSessions: unary({
    input: z.object({ userId: z.string(), reason: z.string() }),
    output: z.object({ revoked: z.number().int() }),
    idempotent: true,
  }),
  // The list, and the place in the history from which a subscriber goes on.
  listUserSessions: unary({
    input: z.object({ userId: z.string() }),
    output: z.object({ sessions: z.array(Session), cursor: Cursor }),
    idempotent: true,
  }),
  // All events behind the cursor, then each as it happens. `failed-precondition`: the history does not reach back so far.
  subscribeSessionEvents: serverStream({
    input: z.object({ after: Cursor, userId: z.string().optional() }),
    output: SessionEvent,
  }),
});
