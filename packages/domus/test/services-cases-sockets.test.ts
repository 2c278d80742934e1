/** Cases of the services over real sockets: who nodes are to each other, how they fail, and how they end. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { test } from 'node:test';
import { issueAuth } from '@flaminia/certificates';
import { until } from '@flaminia/testkit';
import { type DomusAddr, tcpAddress } from '../src/index.ts';
import { type CallContext, Imperium } from '../src/services.ts';
import { eventsOf, gate } from './memory-bench.ts';
import {
  ABRUPT,
  authority,
  failureOf,
  freeAddress,
  Hello,
  handlers,
  listing,
  Members,
  named,
} from './services-members.ts';
import { untilQuiet } from './socket-imperium.ts';

test('[case-20] nobody listens: the client is made and nothing is dialled; then somebody does, and the call succeeds', async (t) => {
  const members = new Members(t);
  const address = await freeAddress();
  const gateway = await members.join('gateway', { discovery: listing(address) });
  const client = gateway.client(Hello);
  await gateway.ready(Hello);
  assert.equal(gateway.domus.reporting.snapshot().dials.attempts, 0);
  await members.provider('provider', { address });
  assert.equal(await client.greet('you'), 'hi you');
});

test('[case-21] [case-49] [case-85] one session that one side has dialled carries calls both ways, and each knows the other by its certificate', async (t) => {
  const members = new Members(t);
  const seen: string[] = [];
  const telling = {
    ...handlers,
    greet: (_: string, { caller }: CallContext) => {
      seen.push(`${caller.subject.split('\n').sort().join(' ')}, ${caller.sans.join(' ')}`);
      assert.deepEqual([`CN=${caller.nodeId}`, caller.nodeType], [caller.subject.match(/CN=.*/)?.[0], 'test']);
      assert.equal(caller.certificate?.subject, caller.subject);
      return caller.address;
    },
  };
  const list = listing();
  const b = await members.provider('b', { discovery: list }, telling);
  const a = await members.provider('a', { discovery: listing(b.address) }, telling);
  const only = { minProviders: 2, picker: { pick: pickOther } };
  assert.equal(await a.client(Hello, only).greet('x'), a.address);
  list.set([{ address: a.address, services: ['hello/v1'] }]);
  assert.equal(await b.client(Hello, only).greet('x'), b.address);
  for (const [own, other, nodeId] of [
    [a, b, 'b'],
    [b, a, 'a'],
  ] as const) {
    const peers = own.domus.reporting.connectedPeers();
    assert.deepEqual(
      peers.map((peer) => [peer.address, peer.identity.nodeId, peer.primaryCalles]),
      [[other.address, nodeId, 1]],
    );
  }
  assert.deepEqual(
    [a, b].map(({ domus }) => domus.reporting.snapshot().dials.attempts),
    [1, 0],
  );
  const expected = [a, b].map(
    ({ address }, index) => `CN=${'ab'[index]} OU=test, URI:aurelia+${address} IP Address:127.0.0.1`,
  );
  assert.deepEqual(seen, expected);

  /** Never the node itself. */
  function pickOther(peers: readonly { readonly nodeId: string | undefined; readonly address: DomusAddr }[]): never {
    return peers.find((peer) => peer.nodeId === undefined) as never;
  }
});

test('[case-42] two clients and many calls to one provider: one session of one callis between the two', async (t) => {
  const members = new Members(t);
  const provider = await members.provider('provider');
  const gateway = await members.join('gateway', { discovery: listing(provider.address) });
  const clients = [gateway.client(Hello), gateway.client(Hello)];
  const calls = Array.from({ length: 400 }, (_, index) => clients[index % 2]!.greet(`${index}`));
  assert.deepEqual(
    await Promise.all(calls),
    calls.map((_, index) => `hi ${index}`),
  );
  for (const [own, other, attempts] of [
    [gateway, provider, 1],
    [provider, gateway, 0],
  ] as const) {
    const { reporting } = own.domus;
    assert.deepEqual(
      reporting.connectedPeers().map(({ address, primaryCalles }) => [address, primaryCalles]),
      [[other.address, 1]],
    );
    assert.equal(reporting.snapshot().dials.attempts, attempts);
  }
});

test('[case-45] one of three providers dies: 100 calls succeed, it is ejected, and re-admitted once it is back', async (t) => {
  const members = new Members(t);
  const address = await freeAddress();
  const addresses = [address];
  for (const nodeId of ['b', 'c']) addresses.push((await members.provider(nodeId, {}, named(nodeId))).address);
  const first = await members.provider('a', { address }, named('a'));
  const gateway = await members.join('gateway', { discovery: listing(...addresses) });
  const events = eventsOf(gateway.domus);
  const kinds = (kind: string) => events.filter((event) => event.kind === kind && 'service' in event).length;
  const client = gateway.client(Hello);
  const answers = async (count: number): Promise<string> =>
    (await Promise.all(Array.from({ length: count }, () => client.greet('x')))).sort().join('');
  assert.equal(await answers(9), 'aaabbbccc');
  await first.domus.shutdown(ABRUPT);
  for (let batch = 0; batch < 10; batch++) assert.match(await answers(10), /^b+c+$/);
  assert.ok(kinds('provider-ejected') >= 1);
  await members.provider('a', { address }, named('a'));
  await until(() => kinds('provider-readmitted') === 1, 'the way back');
  assert.equal(await answers(9), 'aaabbbccc');
});

test('[case-57] leave with 5 s: new calls are refused, those under way finish, streams end with unavailable', async (t) => {
  const members = new Members(t);
  const held = gate();
  let slow = 0;
  const provider = await members.provider(
    'provider',
    {},
    {
      greet: (name) => {
        slow++;
        return held.passed.then(() => `hi ${name}`);
      },
      count: async function* () {
        yield 1;
        await held.passed;
      },
    },
  );
  const [gateway, late] = [
    await members.join('gateway', { discovery: listing(provider.address) }),
    await members.join('late', { discovery: listing(provider.address) }),
  ];
  const client = gateway.client(Hello);
  const call = client.greet('you');
  const items = client.count(3)[Symbol.asyncIterator]();
  assert.equal((await items.next()).value, 1);
  await until(() => slow === 1, 'the call');
  const left = provider.leave({ drainTimeout: 5_000 });
  await assert.rejects(items.next(), { code: 'unavailable' });
  await assert.rejects(late.client(Hello).greet('new'), { code: 'unavailable' });
  held.open();
  assert.equal(await call, 'hi you');
  assert.equal((await left).cut, 0);
});

test('[case-59] opening that fails, at its port or for its seeds, leaves no timer and no socket; a source of seeds that fails is no reason', async (t) => {
  const taken = createServer().listen(0, '127.0.0.1');
  await once(taken, 'listening');
  const { port } = taken.address() as { port: number };
  t.after(untilQuiet);
  const auth = issueAuth({ ca: await authority, nodeId: 'node' });
  const seeds = [await freeAddress()];
  let started = 0;
  const broken = Object.assign(listing(), {
    start: () => {
      started++;
      return Promise.reject(new Error('no network'));
    },
  });
  const refused = Imperium.open({ address: tcpAddress('127.0.0.1', port), auth, seeds, discovery: broken });
  await assert.rejects(refused, { kind: 'bind-failed' });
  assert.equal(started, 0);
  taken.close();
  await once(taken, 'close');
  await untilQuiet();
  const address = await freeAddress();
  await assert.rejects(Imperium.open({ address, auth, seeds: ['nowhere' as DomusAddr] }), { kind: 'invalid-config' });
  await untilQuiet();
  const alone = await Imperium.open({ address, auth, seeds: broken });
  assert.equal(started, 1);
  await alone.leave({ drainTimeout: 0 });
});

test('[case-76] a session that is lost fails its pending calls and streams at once', async (t) => {
  const members = new Members(t);
  let under = 0;
  const hanging = (): Promise<never> => {
    under++;
    return new Promise(() => {});
  };
  const provider = await members.provider(
    'provider',
    {},
    {
      greet: hanging,
      count: async function* () {
        yield await hanging();
      },
    },
  );
  const gateway = await members.join('gateway', { discovery: listing(provider.address) });
  const client = gateway.client(Hello, { callTimeout: 300_000 });
  const failures = [client.greet('x'), client.greet('y'), client.count(1)[Symbol.asyncIterator]().next()].map(
    failureOf,
  );
  await until(() => under === 3, 'the handlers');
  await provider.domus.shutdown(ABRUPT);
  for (const { code } of await Promise.all(failures)) assert.equal(code, 'unavailable');
});
