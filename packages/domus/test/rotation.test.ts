/** Rotation of certificates over real sockets: under traffic, from one authority to the next, and what refuses it. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { issueAuth } from '@flaminia/certificates';
import { until } from '@flaminia/testkit';
import type { DomusAddr } from '@flaminia/transport-a0';
import type { AuthSource } from '../src/auth-sources.ts';
import type { Domus } from '../src/domus.ts';
import { blobEndpoint } from '../src/endpoint.ts';
import { json } from '../src/json.ts';
import type { TabernaRequest } from '../src/taberna-request.ts';
import { eventsOf, failureOf, imperium, Numbers } from './memory-bench.ts';
import {
  authorities,
  expiredMaterial,
  freshMaterial,
  reloadInTime,
  serialOf,
  serialSeenBy,
} from './rotation-material.ts';
import { SocketImperium, TRANSPORTS, type Transport } from './socket-imperium.ts';

const ROTATIONS = 8;
const issuers = authorities();

/** A domus that takes numbers, with material of the old authority unless told otherwise. */
async function opened(sockets: SocketImperium, auth?: AuthSource, address?: DomusAddr): Promise<Domus> {
  const at = address ?? (await sockets.address());
  const { old } = await issuers;
  const domus = await sockets.open({
    address: at,
    auth: auth ?? ((own) => freshMaterial(own, old)),
    config: { reconnectBackoff: [20], sendTimeout: 60_000 },
  });
  await domus.serve(Numbers, () => {});
  return domus;
}

/** Sends numbers, so many at once, until it is stopped. */
class Traffic {
  sent = 0;
  private isOver = false;
  private readonly lanes: Promise<void>[];

  constructor(from: Domus, to: Domus, width = 16) {
    this.lanes = Array.from({ length: width }, async () => {
      while (!this.isOver) {
        await from.send(Numbers, ++this.sent, { to: to.address, whenFull: 'wait' });
      }
    });
  }

  /** Waits for so many more messages. */
  async goesOn(count = 50): Promise<void> {
    const goal = this.sent + count;
    await Promise.race([until(() => this.sent >= goal, 'traffic'), Promise.all(this.lanes)]);
  }

  /** Rejects with the first send that failed. */
  async stop(): Promise<void> {
    this.isOver = true;
    await Promise.all(this.lanes);
  }
}

const kindsOf = (events: readonly { readonly kind: string }[], kind: string): number =>
  events.filter((event) => event.kind === kind).length;

async function pair(t: TestContext, transport: Transport) {
  const sockets = new SocketImperium(t, transport);
  return { sockets, left: await opened(sockets), right: await opened(sockets), ...(await issuers) };
}

for (const transport of TRANSPORTS) {
  test(`[api-44] [a0-rot-1] [a0-rot-2] over ${transport}: new connections show the new certificate in both roles, live ones go on`, async (t) => {
    const { sockets, left, right, old } = await pair(t, transport);
    const events = eventsOf(right);
    const before = await serialSeenBy(left, right);
    const material = await freshMaterial(right.address, old);
    await right.reloadAuth(material);
    assert.equal(await serialSeenBy(left, right), before, 'the connection that stands shows what it began with');
    assert.equal(left.reporting.snapshot().dials.attempts, 1);
    assert.equal(await serialSeenBy(await opened(sockets), right), serialOf(material), 'to one that dials it');
    const listener = await opened(sockets);
    assert.equal(await serialSeenBy(listener, right, right), serialOf(material), 'to one that it dials');
    assert.notEqual(before, serialOf(material));
    assert.equal(kindsOf(events, 'auth-reloaded'), 1);
    assert.equal(await serialSeenBy(right, right), serialOf(material), 'and to itself');
  });

  test(`[api-35] [a0-rot-2] over ${transport}: a request shows who was on the connection on which it came, whatever is shown later`, async (t) => {
    const sockets = new SocketImperium(t, transport);
    const ca = await sockets.authority();
    const worker = await sockets.open();
    const gateway = await sockets.open({ nodeId: 'alice', config: { reconnectBackoff: [20] } });
    const inbox = await worker.taberna(Numbers);
    const Streams = blobEndpoint('streams', json<number>());
    await worker.serve(Streams, (_, { blob }) => void blob.resume());
    const requests: TabernaRequest<number>[] = [];
    const sends: Promise<void>[] = [];
    const send = async (): Promise<void> => {
      sends.push(gateway.send(Numbers, 1, { to: worker.address }));
      requests.push(await inbox.receive());
    };
    await send();
    const { from } = requests[0]!;
    await gateway.reloadAuth(issueAuth({ ca, nodeId: 'bob' }));
    (await gateway.sendBlob(Streams, 1, { to: worker.address })).end();
    await send();
    const primary = worker.delivery.core.peers.get(gateway.address)!.calles.find(({ blob }) => blob === undefined);
    (primary!.driver as { readonly stream: { destroy(): void } }).stream.destroy();
    await send();
    assert.deepEqual(
      requests.map((request) => request.from.nodeId),
      ['alice', 'alice', 'bob'],
    );
    assert.equal(requests[0]!.from, from);
    for (const request of requests) request.accept();
    await Promise.all(sends);
  });

  test(`[api-35] [a0-rot-2] over ${transport}: so does one that had to wait in its taberna meanwhile`, async (t) => {
    const sockets = new SocketImperium(t, transport);
    const ca = await sockets.authority();
    const worker = await sockets.open();
    const gateway = await sockets.open({ nodeId: 'alice', config: { reconnectBackoff: [20] } });
    const inbox = await worker.taberna(Numbers);
    const { core } = worker.delivery;
    const waiting = (): number => core.registry.find(Numbers.idHi, Numbers.idLo)!.waiting;
    const sends = [gateway.send(Numbers, 1, { to: worker.address })];
    await until(() => waiting() === 1, 'the first has come');
    await gateway.reloadAuth(issueAuth({ ca, nodeId: 'bob' }));
    const primary = core.peers.get(gateway.address)!.calles.find(({ blob }) => blob === undefined);
    (primary!.driver as { readonly stream: { destroy(): void } }).stream.destroy();
    sends.push(gateway.send(Numbers, 2, { to: worker.address }));
    await until(() => waiting() === 2, 'the second has come');
    const requests = [await inbox.receive(), await inbox.receive()];
    assert.deepEqual(
      requests.map((request) => request.from.nodeId),
      ['alice', 'bob'],
    );
    for (const request of requests) request.accept();
    await Promise.all(sends);
  });

  test(`[api-44] [a0-rot-2] [case-4] over ${transport}: ${ROTATIONS} rotations of both sides under traffic, and no send fails`, async (t) => {
    const { sockets, left, right, old } = await pair(t, transport);
    const events = [eventsOf(left), eventsOf(right)];
    const traffic = [new Traffic(left, right), new Traffic(right, left)];
    for (let i = 0; i < ROTATIONS; i++) {
      const [there, back] = await Promise.all([left, right].map(({ address }) => freshMaterial(address, old)));
      await Promise.all([left.reloadAuth(there), right.reloadAuth(back)]);
      const visitor = await opened(sockets);
      assert.equal(await serialSeenBy(visitor, left), serialOf(there!));
      assert.equal(await serialSeenBy(visitor, right), serialOf(back!));
      await visitor.shutdown();
      await Promise.all(traffic.map((one) => one.goesOn()));
    }
    await Promise.all(traffic.map((one) => one.stop()));
    for (const seen of events) {
      assert.equal(kindsOf(seen, 'auth-reloaded'), ROTATIONS);
      assert.equal(kindsOf(seen, 'primary-callis-disconnected'), ROTATIONS, 'of the visitors alone');
    }
  });

  test(`[api-44] [a0-auth-3] over ${transport}: from one kind of key to any other`, async (t) => {
    const { sockets, left, right, old: ca } = await pair(t, transport);
    const traffic = new Traffic(left, right);
    for (const algorithm of ['Ed25519', 'P-384', 'RSA-2048', 'P-256'] as const) {
      const material = await issueAuth({ ca, nodeId: algorithm, algorithm })(right.address);
      await right.reloadAuth(material);
      assert.equal(await serialSeenBy(await opened(sockets), right), serialOf(material));
    }
    await traffic.goesOn();
    await traffic.stop();
  });

  test(`[api-44] [a0-auth-13] over ${transport}: from one authority to the next in three steps, then the old one counts no more`, async (t) => {
    const { sockets, left, right, old, next } = await pair(t, transport);
    const traffic = new Traffic(left, right);
    const both = [left, right];
    const step = async (auth: (address: DomusAddr) => ReturnType<typeof freshMaterial>): Promise<void> => {
      for (const domus of both) {
        await domus.reloadAuth(auth);
        // Between two steps of two domus, each must be able to meet the other anew.
        const [dialler, listener] = domus === left ? both : [right, left];
        const visitor = await opened(sockets, auth);
        await visitor.send(Numbers, 1, { to: dialler!.address });
        await visitor.send(Numbers, 1, { to: listener!.address });
        await visitor.shutdown();
        await traffic.goesOn();
      }
    };
    await step((address) => freshMaterial(address, old, [next]));
    await step((address) => freshMaterial(address, next, [old]));
    await step((address) => freshMaterial(address, next));
    const events = eventsOf(right);
    const late = await opened(sockets);
    const lateEvents = eventsOf(late);
    const giveUp = new AbortController();
    const sent = late.send(Numbers, 1, { to: right.address, signal: giveUp.signal });
    await until(() => kindsOf(lateEvents, 'peer-dial-failed') > 0, 'the refusal');
    giveUp.abort();
    await assert.rejects(sent, { name: 'AbortError' });
    // Over TCP the dialler is the first to judge, over Unix sockets the listener.
    const refusals = [...lateEvents, ...events].map((event) => ('error' in event ? event.error.message : ''));
    assert.ok(
      refusals.some((text) => /the certificate was refused|the chain is refused/.test(text)),
      refusals.join(),
    );
    assert.equal(kindsOf(events, 'peer-connected'), 0);
    await traffic.goesOn();
    await traffic.stop();
  });

  test(`[api-44] [a0-rot-1] over ${transport}: a domus whose leaf has expired is let in again once it is renewed`, async (t) => {
    const sockets = new SocketImperium(t, transport);
    const { old } = await issuers;
    const [worker, address] = [await opened(sockets), await sockets.address()];
    const expired = await opened(sockets, undefined, address);
    await reloadInTime(t, expired, await expiredMaterial(address, old));
    const events = eventsOf(worker);
    const sent = expired.send(Numbers, 1, { to: worker.address });
    await until(() => kindsOf(events, 'inbound-handshake-failed') > 0, 'the refusal');
    const refused = events.find((event) => event.kind === 'inbound-handshake-failed');
    assert.match(refused!.error.message, /expired/);
    await expired.reloadAuth(await freshMaterial(address, old));
    await sent;
  });

  test(`[api-44] [a0-rot-3] [a0-auth-5] over ${transport}: what is refused changes nothing`, async (t) => {
    const { sockets, left, right, old } = await pair(t, transport);
    const good = await freshMaterial(right.address, old);
    await right.reloadAuth(good);
    const events = eventsOf(right);
    const other = await freshMaterial(left.address, old);
    const boom = new Error('no such vault');
    const rows: [auth: unknown, kind: string, detail: string][] = [
      [other, 'address-mismatch', 'cert'],
      [() => other, 'address-mismatch', 'cert'],
      [{ ...good, key: other.key }, 'invalid-config', 'key'],
      [{ ...good, key: '' }, 'invalid-config', 'key'],
      [{ ...good, cert: good.ca }, 'invalid-config', 'key'],
      [{ ...good, cert: '' }, 'invalid-config', 'cert'],
      [{ ...good, ca: good.cert }, 'invalid-config', 'ca'],
      [{ ...good, ca: [] }, 'invalid-config', 'ca'],
      [await expiredMaterial(right.address, old), 'invalid-config', 'cert'],
      [undefined, 'invalid-config', 'auth'],
      [null, 'invalid-config', 'auth'],
      [good.key, 'invalid-config', 'auth'],
      [() => undefined, 'invalid-config', 'what auth gives'],
      [() => Promise.reject(boom), 'invalid-config', 'auth'],
      [Object.assign(() => good, { watch: 5 }), 'invalid-config', 'auth'],
    ];
    for (const [number, [auth, kind, detail]] of rows.entries()) {
      const error = await failureOf(right.reloadAuth(auth as AuthSource));
      assert.deepEqual([error.kind, error.detail], [kind, detail], `row ${number}: ${error.message}`);
      assert.ok(!`${error.message}${String(error.cause)}`.includes(good.key.slice(60, 90)), `row ${number}`);
    }
    assert.equal(await serialSeenBy(await opened(sockets), right), serialOf(good));
    assert.equal(kindsOf(events, 'auth-reloaded') + kindsOf(events, 'auth-reload-failed'), 0);
  });

  test(`[api-44] over ${transport}: without an argument the source is asked again, the last one that was taken`, async (t) => {
    const sockets = new SocketImperium(t, transport);
    const { old } = await issuers;
    const asked: string[] = [];
    const source = (name: string) => (address: DomusAddr) => {
      asked.push(name);
      return freshMaterial(address, old);
    };
    const domus = await opened(sockets, source('first'));
    await domus.reloadAuth();
    await domus.reloadAuth(source('second'));
    await domus.reloadAuth();
    await failureOf(domus.reloadAuth(() => Promise.reject(new Error('third'))));
    await domus.reloadAuth();
    assert.deepEqual(asked, ['first', 'first', 'second', 'second', 'second']);
    await domus.reloadAuth(await freshMaterial(domus.address, old));
    assert.match((await failureOf(domus.reloadAuth())).message, /needs auth as a function/);
  });
}

test('[api-44] [api-43] a shutdown ends reloads under way, and refuses later ones', async (t) => {
  const domus = await opened(new SocketImperium(t, 'unix'));
  const never = domus.reloadAuth(() => new Promise(() => {}));
  const queued = domus.reloadAuth();
  const ends = Promise.all([never, queued].map(failureOf));
  await domus.shutdown();
  for (const { kind } of [...(await ends), await failureOf(domus.reloadAuth())]) assert.equal(kind, 'domus-closed');
});

test('[api-44] an abort gives one reload up, and the next has its turn', async (t) => {
  const domus = await opened(new SocketImperium(t, 'unix'));
  const events = eventsOf(domus);
  const giveUp = new AbortController();
  const never = domus.reloadAuth(() => new Promise(() => {}), { signal: giveUp.signal });
  const next = domus.reloadAuth();
  giveUp.abort(new Error('enough'));
  await assert.rejects(never, /enough/);
  await next;
  await assert.rejects(domus.reloadAuth(undefined, { signal: giveUp.signal }), /enough/);
  assert.equal(kindsOf(events, 'auth-reloaded'), 1);
});

test('[api-44] an imperium in memory has no certificates to rotate', async (t) => {
  const domus = await imperium(t).domus('a');
  assert.equal((await failureOf(domus.reloadAuth())).kind, 'unsupported');
});
