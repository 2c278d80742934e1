// The service beside this file, called across two nodes: in memory, where the test cuts connections and moves time, and over
// mutual TLS.
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { createAuthority, issueAuth } from '@flaminia/certificates';
import type { Domus } from '@flaminia/domus';
import { type Client, Imperium, type ProcedureError } from '@flaminia/domus/services';
import { type MemoryImperium, memoryImperium } from '@flaminia/domus/testing';
import { Authorization, provideAuthorization } from './authorization.ts';
import { followSessions, type Told } from './client.ts';
import { Identity, type SessionEvent, type User } from './contract.ts';
import { provideIdentity } from './server.ts';
import { Sessions } from './sessions.ts';

const ada: User = {
  id: 'user-1',
  email: 'ada@example.com',
  name: 'Ada Lovelace',
  roles: ['admin', 'editor'],
  createdAt: new Date('2024-02-29T12:00:00.123Z'),
};

interface Two {
  readonly world: MemoryImperium;
  readonly domus: { readonly provider: Domus; readonly caller: Domus };
  readonly provider: Imperium;
  readonly caller: Imperium;
}

/** Two nodes in memory. The caller is `admin-1`, which may do everything, unless it is said to be something else. */
async function twoNodes(t: TestContext, callerId = 'admin-1', nodeType = 'operator'): Promise<Two> {
  const world = memoryImperium();
  t.after(() => world.close());
  const provider = await world.domus('identity-1', { nodeType: 'worker' });
  const caller = await world.domus(callerId, { nodeType });
  const two = {
    world,
    domus: { provider, caller },
    provider: await Imperium.join(provider),
    caller: await Imperium.join(caller, { seeds: [provider.address] }),
  };
  t.after(() =>
    world.settle(Promise.all([two.caller.leave({ drainTimeout: 0 }), two.provider.leave({ drainTimeout: 0 })])),
  );
  return two;
}

/** Calls every procedure of the contract but the stream, and compares every field with what the service holds. */
async function assertRoundTrips(client: Client<typeof Identity>, sessions: Sessions): Promise<void> {
  assert.deepEqual(await client.getUser({ id: ada.id }), ada);
  assert.deepEqual(await client.getUserByEmail({ email: ada.email }), ada);
  const wish = { userId: ada.id, ttlMs: 60_000, userAgent: 'Firefox', attributes: { city: 'Zürich' } };
  const { token, session } = await client.createSession(wish);
  const { userId, userAgent, attributes } = session;
  assert.deepEqual(
    { userId, userAgent, attributes, ttlMs: session.expiresAt.getTime() - session.createdAt.getTime() },
    wish,
  );
  const plain = await client.createSession({ userId: ada.id, ttlMs: 1 });
  assert.deepEqual(
    [plain.session.userAgent, plain.session.attributes],
    [undefined, {}],
    'what was left out has its default',
  );
  await client.revokeSession({ sessionId: plain.session.id, reason: 'not needed' });
  assert.deepEqual(await client.validateSession({ token }), { state: 'active', session, user: ada });
  assert.deepEqual(await client.validateSession({ token: 'made up' }), { state: 'unknown' });
  assert.deepEqual(await client.listUserSessions({ userId: ada.id }), {
    sessions: [session],
    cursor: sessions.events.cursor,
  });
  const sessionId = session.id;
  assert.deepEqual(await client.revokeSession({ sessionId, reason: 'stolen' }), { revoked: true });
  assert.deepEqual(await client.revokeSession({ sessionId, reason: 'stolen' }), { revoked: false });
  assert.deepEqual(await client.validateSession({ token }), { state: 'revoked', session });
  for (let i = 0; i < 3; i++) await client.createSession({ userId: ada.id, ttlMs: 60_000 });
  assert.deepEqual(await client.revokeUserSessions({ userId: ada.id, reason: 'all of them' }), { revoked: 3 });
  assert.deepEqual((await client.listUserSessions({ userId: ada.id })).sessions, []);
}

test('[case-54] every procedure of the identity contract round-trips across two nodes in memory', async (t) => {
  const { world, provider, caller } = await twoNodes(t);
  const sessions = new Sessions([ada]);
  await provideIdentity(provider, sessions);
  const client = caller.client(Identity);
  await world.settle(caller.ready(Identity));
  await assertRoundTrips(client, sessions);
  await assert.rejects(client.getUser({ id: 'nobody' }), { code: 'not-found', message: 'there is no user nobody' });
  await assert.rejects(client.getUserByEmail({ email: 'no address' }), {
    code: 'invalid-argument',
    message: /\bemail\b/,
  });
});

test('[case-54] [case-55] the same over mutual TLS, and the events of it in order', async (t) => {
  const ca = await createAuthority();
  const open = (nodeId: string): Promise<Imperium> =>
    Imperium.open({ address: 'tcp://127.0.0.1:0', auth: issueAuth({ ca, nodeId }) });
  const provider = await open('identity-1');
  const sessions = new Sessions([ada]);
  await provideIdentity(provider, sessions);
  const caller = await Imperium.open({
    address: 'tcp://127.0.0.1:0',
    auth: issueAuth({ ca, nodeId: 'admin-1' }),
    seeds: [provider.address],
  });
  t.after(() => Promise.all([caller, provider].map((each) => each.leave({ drainTimeout: 0 }))));
  const client = caller.client(Identity);
  const { cursor } = await client.listUserSessions({ userId: ada.id });
  await assertRoundTrips(client, sessions);
  const kinds: string[] = [];
  for await (const event of client.subscribeSessionEvents({ after: cursor })) {
    kinds.push(event.kind);
    if (event.cursor.number === sessions.events.cursor.number) break;
  }
  const four = ['created', 'created', 'revoked', 'revoked'];
  assert.deepEqual(kinds, [...four, 'created', 'created', 'created', 'revoked', 'revoked', 'revoked']);
});

test('a session lives as long as was asked, though the clock moves on while it is made', () => {
  let now = 1_000;
  const { session } = new Sessions([ada], { now: () => now++ }).create({
    userId: ada.id,
    ttlMs: 5_000,
    attributes: {},
  });
  assert.equal(session.expiresAt.getTime() - session.createdAt.getTime(), 5_000);
});

test('[case-55] created, revoked and expired are told in order, in all their fields', async (t) => {
  const { world, provider, caller } = await twoNodes(t);
  let now = Date.now();
  const sessions = new Sessions([ada], { now: () => now });
  await provideIdentity(provider, sessions);
  const client = caller.client(Identity);
  const { cursor } = await world.settle(client.listUserSessions({ userId: ada.id }));
  const events = client.subscribeSessionEvents({ after: cursor })[Symbol.asyncIterator]();
  const next = async (): Promise<SessionEvent> => (await world.settle(events.next())).value as SessionEvent;
  const one = sessions.create({ userId: ada.id, ttlMs: 5_000, attributes: {} }).session;
  const other = sessions.create({ userId: ada.id, ttlMs: 10_000, attributes: {} }).session;
  sessions.revoke(other.id, 'left');
  const at = new Date(now);
  now += 5_000;
  sessions.expire();
  const { history } = cursor;
  assert.deepEqual(
    [await next(), await next(), await next(), await next()],
    [
      { cursor: { history, number: 1 }, kind: 'created', at, session: one },
      { cursor: { history, number: 2 }, kind: 'created', at, session: other },
      { cursor: { history, number: 3 }, kind: 'revoked', at, session: other, reason: 'left' },
      { cursor: { history, number: 4 }, kind: 'expired', at: new Date(now), session: one, reason: undefined },
    ],
  );
  await world.settle(events.return!());
});

test('[case-55] a follower misses none and sees none twice: over a short cut, a lost session, and a service that goes and comes', async (t) => {
  const { world, domus, provider, caller } = await twoNodes(t);
  const sessions = new Sessions([ada]);
  let provision = await provideIdentity(provider, sessions);
  const stop = new AbortController();
  const told: Told[] = [];
  const client = caller.client(Identity, { discoverTimeout: 60_000 });
  const following = (async () => {
    const options = { signal: stop.signal, retryAfterMs: 0 };
    for await (const each of followSessions(client, ada.id, options)) told.push(each);
  })();
  const happen = (count: number): void => {
    for (let i = 0; i < count; i++) sessions.create({ userId: ada.id, ttlMs: 60_000, attributes: {} });
  };
  const caughtUp = async (): Promise<void> => {
    const { number } = sessions.events.cursor;
    const last = (): number => told.reduce((n, each) => (each.kind === 'event' ? each.event.cursor.number : n), 0);
    while (last() < number) await world.advance(100);
  };
  while (told.length === 0) await world.advance(100);
  happen(10);
  await caughtUp();

  world.cut(domus.provider, domus.caller);
  happen(10);
  await world.advance(500);
  world.heal();
  await caughtUp();

  world.cut(domus.provider, domus.caller);
  happen(10);
  await world.advance(120_000); // longer than a session outlives its connections
  world.heal();
  await caughtUp();

  await world.settle(provision.close({ drainTimeout: 0 }));
  happen(10);
  provision = await provideIdentity(provider, sessions);
  await caughtUp();
  stop.abort();
  await world.settle(following);

  const lists = told.filter(({ kind }) => kind === 'list');
  const numbers = told.flatMap((each) => (each.kind === 'event' ? [each.event.cursor.number] : []));
  assert.equal(lists.length, 1);
  assert.deepEqual(
    numbers,
    Array.from({ length: 40 }, (_, i) => i + 1),
  );
});

test('[case-55] a cursor that the history does not reach is refused, and a follower begins with the list again', async (t) => {
  const { world, provider, caller } = await twoNodes(t);
  const before = new Sessions([ada], { eventsKept: 5 });
  const provision = await provideIdentity(provider, before);
  const client = caller.client(Identity);
  const { cursor } = await world.settle(client.listUserSessions({ userId: ada.id }));
  for (let i = 0; i < 6; i++) before.create({ userId: ada.id, ttlMs: 60_000, attributes: {} });
  const first = (after: typeof cursor): Promise<unknown> =>
    world.settle(client.subscribeSessionEvents({ after })[Symbol.asyncIterator]().next());
  await assert.rejects(first(cursor), { code: 'failed-precondition', details: { cursor, kept: 5 } });

  const stop = new AbortController();
  const told: string[] = [];
  const following = (async () => {
    for await (const each of followSessions(client, ada.id, { signal: stop.signal, retryAfterMs: 0 })) {
      told.push(each.kind === 'list' ? `${each.sessions.length} sessions` : each.event.kind);
    }
  })();
  while (told.length < 1) await world.advance(100);
  // The process starts anew: another history, and its sessions are gone.
  await world.settle(provision.close({ drainTimeout: 0 }));
  const after = new Sessions([ada]);
  await provideIdentity(provider, after);
  while (told.length < 2) await world.advance(100);
  after.create({ userId: ada.id, ttlMs: 60_000, attributes: {} });
  while (told.length < 3) await world.advance(100);
  stop.abort();
  await world.settle(following);
  assert.deepEqual(told, ['6 sessions', '0 sessions', 'created']);
});

test('[case-56] a subscriber that does not read holds up no memory, and is told that it is too far behind', async (t) => {
  const { world, provider, caller } = await twoNodes(t);
  const sessions = new Sessions([ada], { eventsKept: 1_000 });
  let pulled = 0;
  const after = sessions.events.after.bind(sessions.events);
  sessions.events.after = async function* (...args) {
    for await (const event of after(...args)) {
      pulled++;
      yield event;
    }
  };
  await provideIdentity(provider, sessions);
  const client = caller.client(Identity, { windowBytes: 2_048 });
  const { cursor } = await world.settle(client.listUserSessions({ userId: ada.id }));
  const events = client.subscribeSessionEvents({ after: cursor })[Symbol.asyncIterator]();
  for (let i = 0; i < 50; i++) {
    for (let j = 0; j < 100; j++) sessions.create({ userId: ada.id, ttlMs: 60_000, attributes: {} });
    await world.advance(10);
  }
  assert.ok(pulled > 0 && pulled < 20, `${pulled} events were pulled for 2,048 bytes of credit`);
  const read: number[] = [];
  const error = await world.settle(
    (async () => {
      for (;;) read.push(((await events.next()).value as SessionEvent).cursor.number);
    })().catch((thrown: ProcedureError) => thrown),
  );
  assert.equal((error as ProcedureError).code, 'failed-precondition');
  assert.deepEqual(
    read,
    Array.from({ length: pulled }, (_, i) => i + 1),
  );
});

test('[case-51] whoever is not listed for a procedure is refused', async (t) => {
  const { world, provider, caller } = await twoNodes(t, 'gateway-7', 'gateway');
  await provideIdentity(provider, new Sessions([ada]));
  const client = caller.client(Identity);
  assert.deepEqual(await world.settle(client.validateSession({ token: 'x' })), { state: 'unknown' });
  await assert.rejects(client.getUser({ id: ada.id }), { code: 'unauthorized' });
  await assert.rejects(client.createSession({ userId: ada.id, ttlMs: 1 }), { code: 'unauthorized' });
  const after = { history: '', number: 0 };
  const events = client.subscribeSessionEvents({ after })[Symbol.asyncIterator]();
  await assert.rejects(world.settle(events.next()), { code: 'unauthorized' });
});

test('[case-51] [case-53] [case-54] tokens, guards and revocation of the authorization contract', async (t) => {
  const { world, domus, provider, caller } = await twoNodes(t, 'worker-1', 'worker');
  const gateway = await Imperium.join(await world.domus('gateway-1', { nodeType: 'gateway' }), {
    seeds: [domus.provider.address],
  });
  t.after(() => world.settle(gateway.leave({ drainTimeout: 0 })));
  await provideAuthorization(provider);
  const [worker, other] = [caller.client(Authorization), gateway.client(Authorization)];
  await world.settle(Promise.all([caller.ready(Authorization), gateway.ready(Authorization)]));
  const permissions = ['orders.read', 'orders.write'];
  const { token, ...rest } = await other.getToken({ permissions });
  assert.deepEqual(rest, { owner: 'gateway-1', permissions });
  assert.equal(await worker.registerGuard({ guard: 'ship', needs: ['orders.write', 'stock.write'] }), null);
  assert.equal(await worker.registerGuard({ guard: 'show', needs: ['orders.read'] }), null);
  assert.deepEqual(await worker.validateGuard({ guard: 'show', token }), {
    allowed: true,
    owner: 'gateway-1',
    missing: [],
  });
  const ship = { allowed: false, owner: 'gateway-1', missing: ['stock.write'] };
  assert.deepEqual(await worker.validateGuard({ guard: 'ship', token }), ship);
  const refused = { code: 'unauthorized' };
  await assert.rejects(
    worker.validateGuard({ guard: 'nowhere', token }),
    refused,
    'a guard that cannot decide refuses',
  );
  await assert.rejects(other.validateGuard({ guard: 'show', token }), refused, 'gateways ask no guard');
  await assert.rejects(worker.revokeToken({ token }), refused, 'the token of another');
  assert.equal(await other.revokeToken({ token }), null);
  await assert.rejects(worker.validateGuard({ guard: 'show', token }), refused, 'revoked');
});
