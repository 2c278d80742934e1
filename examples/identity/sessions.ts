// The users and their sessions, without a word about the network. In memory: a real service has a database here.
import { randomBytes, randomUUID } from 'node:crypto';
import { ProcedureError } from '@flaminia/domus/services';
import type { Session, SessionState, User } from './contract.ts';
import { SessionEvents } from './session-events.ts';

export interface NewSession {
  readonly userId: string;
  readonly ttlMs: number;
  readonly userAgent?: string | undefined;
  readonly attributes: Record<string, string>;
}

interface Held {
  readonly token: string;
  readonly session: Session;
  state: 'active' | 'revoked' | 'expired';
}

export class Sessions {
  readonly events: SessionEvents;
  private readonly users: ReadonlyMap<string, User>;
  private readonly now: () => number;
  private readonly held = new Map<string, Held>();

  constructor(users: readonly User[], options: { readonly now?: () => number; readonly eventsKept?: number } = {}) {
    this.users = new Map(users.map((user) => [user.id, user]));
    this.now = options.now ?? Date.now;
    this.events = new SessionEvents(options.eventsKept);
  }

  user(id: string): User {
    return found(this.users.get(id), `user ${id}`);
  }

  userByEmail(email: string): User {
    return found(
      [...this.users.values()].find((user) => user.email === email),
      `user with the address ${email}`,
    );
  }

  create({ userId, ttlMs, userAgent, attributes }: NewSession): { token: string; session: Session } {
    this.user(userId);
    const now = this.now();
    const createdAt = new Date(now);
    const expiresAt = new Date(now + ttlMs);
    const session: Session = { id: randomUUID(), userId, createdAt, expiresAt, userAgent, attributes };
    const token = randomBytes(24).toString('base64url');
    this.held.set(session.id, { token, session, state: 'active' });
    this.events.add({ kind: 'created', at: createdAt, session });
    return { token, session };
  }

  validate(token: string): SessionState {
    this.expire();
    const held = [...this.held.values()].find((each) => each.token === token);
    if (held === undefined) return { state: 'unknown' };
    const { session, state } = held;
    return state === 'active' ? { state, session, user: this.user(session.userId) } : { state, session };
  }

  /** The active sessions of a user. */
  of(userId: string): Session[] {
    this.expire();
    const active = [...this.held.values()].filter(
      ({ state, session }) => state === 'active' && session.userId === userId,
    );
    return active.map(({ session }) => session);
  }

  /** False where there is nothing to revoke. */
  revoke(sessionId: string, reason: string): boolean {
    const held = found(this.held.get(sessionId), `session ${sessionId}`);
    if (held.state !== 'active') return false;
    this.end(held, 'revoked', reason);
    return true;
  }

  /** Ends the sessions whose time is over. A service calls it from time to time. */
  expire(): void {
    for (const held of this.held.values()) {
      if (held.state === 'active' && held.session.expiresAt.getTime() <= this.now()) this.end(held, 'expired');
    }
  }

  private end(held: Held, kind: 'revoked' | 'expired', reason?: string): void {
    held.state = kind;
    this.events.add({ kind, at: new Date(this.now()), session: held.session, reason });
  }
}

/** What a handler throws as a `ProcedureError` is what the caller gets. */
function found<T>(value: T | undefined, what: string): T {
  if (value === undefined) throw new ProcedureError('not-found', `there is no ${what}`);
  return value;
}
