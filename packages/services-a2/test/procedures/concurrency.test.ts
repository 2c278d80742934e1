/** Calls beside each other: nobody waits for a slow one, and calling back is no deadlock. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Client } from '../../src/procedures/call-types.ts';
import { clientOf } from '../../src/procedures/client.ts';
import { DEFAULT_CALL_SETTINGS } from '../../src/procedures/client-options.ts';
import { FAILURE } from '../../src/procedures/core/wire.ts';
import { ProcedureError } from '../../src/procedures/procedure-error.ts';
import { ProvidedService } from '../../src/procedures/provided-service.ts';
import type { ProviderQuestion, ProviderSource, ProvidersAwaited } from '../../src/procedures/provider-source.ts';
import { service, unary } from '../../src/procedures/service.ts';
import { keyOf, RawPeer, raw } from './raw-peer.ts';
import { Sums, sums } from './sums.ts';
import { oneProvider, twoNodes } from './two-nodes.ts';

test('[proc-call-8] [case-77] a slow handler and a stream that nobody reads delay no other call', async (t) => {
  const nodes = await twoNodes(t, Sums, {
    ...sums().handlers,
    count: async function* () {
      for (;;) yield new Uint8Array(4096) as never;
    },
  });
  const { client, provided, world } = nodes;
  void client.wait(null, { timeout: 1e6 }).catch(() => {});
  const unread = client.count(1);
  await world.advance(0);
  // No time passes: what had to wait for one of them would never come.
  const answers = await Promise.all(Array.from({ length: 100 }, (_, a) => client.add({ a, b: 1 })));
  assert.deepEqual(answers.slice(0, 3), [1, 2, 3]);
  assert.equal(provided.underWay, 2);
  await unread[Symbol.asyncIterator]().return?.();
});

test('[case-77] a handler that calls its caller back does not deadlock, to any depth', async (t) => {
  let back: Client<typeof Sums>;
  const { handlers } = sums();
  const there = {
    ...handlers,
    // Calls back until a has come down to 0, at one handler a node at a time.
    add: async ({ a, b }: { a: number; b: number }): Promise<number> =>
      a === 0 ? b : back.add({ a: a - 1, b: b + 1 }),
  };
  const nodes = await twoNodes(t, Sums, there);
  const { caller, provider, calls, client } = nodes;
  const provided = new ProvidedService({
    port: caller.port,
    service: Sums,
    handlers: { ...there, add: ({ a, b }: { a: number; b: number }) => client.add({ a: a - 1, b: b + 1 }) } as never,
    refusal: () => undefined,
    concurrency: 64,
    maxWaiting: 0,
    windowBytes: 65_536,
    watch: (timed) => calls.watch(timed),
    unwatch: (timed) => calls.unwatch(timed),
    report: () => assert.fail('no handler fails'),
  });
  t.after(() => provided.close());
  back = clientOf(
    Sums,
    { calls: nodes.providerCalls, providers: oneProvider(caller), settings: DEFAULT_CALL_SETTINGS },
    () => true,
  );
  assert.equal(await client.add({ a: 40, b: 0 }), 40);
  assert.equal(nodes.provided.underWay, 0);
  assert.ok(provider.address !== caller.address);
});

test('[proc-msg-1] a node calls what it provides itself, in every kind', async (t) => {
  const nodes = await twoNodes(t, Sums, sums().handlers);
  const parts = { calls: nodes.providerCalls, providers: oneProvider(nodes.provider), settings: DEFAULT_CALL_SETTINGS };
  const self = clientOf(Sums, parts, () => true);
  assert.equal(await self.add({ a: 1, b: 2 }), 3);
  assert.equal(await self.note('x'), undefined);
  assert.equal(await self.sum([1, 2, 3]), 6);
  const seen: unknown[] = [];
  for await (const each of self.count(3)) seen.push(each);
  for await (const each of self.echo(['a', 'b'])) seen.push(each);
  assert.deepEqual(seen, [0, 1, 2, 'A', 'B']);
});

test('[proc-name-1] versions of a service live side by side, each in a taberna of its own', async (t) => {
  assert.deepEqual([Sums.taberna.idHi, Sums.taberna.idLo], [0xf0c5_d7c5, 0x5d44_9aab]);
  const { provider, providerCalls, calls, client } = await twoNodes(t, Sums, sums().handlers);
  assert.throws(() => provider.port.register(Sums.taberna, () => {}), { kind: 'taberna-already-registered' });
  const Newer = service('sums', 'v2', { add: unary<{ a: number; b: number }, string>() });
  const provided = new ProvidedService({
    port: provider.port,
    service: Newer,
    handlers: { add: ({ a, b }: { a: number; b: number }) => `${a + b}` } as never,
    refusal: () => undefined,
    concurrency: 1,
    maxWaiting: 0,
    windowBytes: 65_536,
    watch: (timed) => providerCalls.watch(timed),
    unwatch: (timed) => providerCalls.unwatch(timed),
    report: () => assert.fail('no handler fails'),
  });
  t.after(() => provided.close());
  const newer = clientOf(
    Newer,
    { calls, providers: oneProvider(provider), settings: DEFAULT_CALL_SETTINGS },
    () => true,
  );
  assert.deepEqual([await client.add({ a: 1, b: 2 }), await newer.add({ a: 1, b: 2 })], [3, '3']);
});

test('[proc-time-3] a call that is part of another keeps its time though the wall clock is set', async (t) => {
  let inner: Client<typeof Sums>;
  const nodes = await twoNodes(t, Sums, {
    ...sums().handlers,
    wait: async (_input, context) => {
      assert.ok(context.deadline !== undefined);
      const later = Date.now() + 3_600_000;
      t.mock.method(Date, 'now', () => later);
      return String(await inner.add({ a: 1, b: 2 }, { parent: context }));
    },
  });
  const parts = { calls: nodes.providerCalls, providers: oneProvider(nodes.provider), settings: DEFAULT_CALL_SETTINGS };
  inner = clientOf(Sums, parts, () => true);
  assert.equal(await nodes.client.wait(null), '3');
});

test('[proc-time-3] a call that is part of another has its time, its signal and its trace context', async (t) => {
  let inner: Client<typeof Sums>;
  const seen: unknown[] = [];
  const { handlers, log } = sums();
  const nodes = await twoNodes(t, Sums, {
    ...handlers,
    add: async (_input, context) => {
      await inner
        .wait(null, { parent: context, timeout: 1e6 })
        .catch((error: { code: string }) => seen.push(error.code));
      return new Promise<number>(() => {});
    },
    wait: (input, context) => {
      seen.push(context.metadata);
      return handlers.wait(input, context);
    },
  });
  const parts = { calls: nodes.providerCalls, providers: oneProvider(nodes.provider), settings: DEFAULT_CALL_SETTINGS };
  inner = clientOf(Sums, parts, () => true);
  const metadata = { traceparent: '00-1-2-01', other: 'stays here' };
  const outer = assert.rejects(nodes.client.add({ a: 1, b: 2 }, { timeout: 5000, metadata }), {
    code: 'deadline-exceeded',
  });
  await nodes.world.advance(5001);
  await outer;
  assert.deepEqual(seen[0], { traceparent: '00-1-2-01' });
  assert.equal(seen.length, 2);
  assert.ok(seen[1] === 'deadline-exceeded' || seen[1] === 'cancelled');
  assert.equal(log.aborted.length, 1);
});

const Safe = service('safe', 'v1', { ask: unary<number, string>({ idempotent: true }) });

/** The codes of the calls that have failed so far; the others are undefined. */
function codesOf(calls: readonly Promise<unknown>[]): (string | undefined)[] {
  const codes: (string | undefined)[] = calls.map(() => undefined);
  for (const [index, call] of calls.entries()) {
    call.catch((error: ProcedureError) => {
      codes[index] = error.code;
    });
  }
  return codes;
}

test('maxPending counts calls that wait for a provider, and no longer than they do', async (t) => {
  const { world, provider, calls } = await twoNodes(t, Sums, sums().handlers);
  const { clock } = calls.port;
  const wait = (limitMs: number): ProvidersAwaited => {
    let cancel = (): void => {};
    const found = new Promise<void>((_, reject) => {
      const timer = clock.startTimer(limitMs, () => reject(new ProcedureError('no-providers', 'nobody')));
      cancel = () => clock.stopTimer(timer);
    });
    return Object.assign(found, { cancel });
  };
  const nobody: ProviderSource = { ...oneProvider(provider), pick: () => undefined, wait };
  const settings = { ...DEFAULT_CALL_SETTINGS, maxPending: 2 };
  const client = clientOf(Sums, { calls, providers: nobody, settings }, () => true);
  const given = new AbortController();
  const outputs = client.count(1)[Symbol.asyncIterator]();
  const codes = codesOf([outputs.next(), client.wait(null, { signal: given.signal }), client.wait(null)]);
  await world.advance(10);
  assert.deepEqual(codes, [undefined, undefined, 'resource-exhausted']);
  given.abort();
  const late = codesOf([client.wait(null, { timeout: 1_000 }), client.wait(null)]);
  await world.advance(1_000);
  assert.deepEqual([codes[1], ...late], ['cancelled', 'deadline-exceeded', 'resource-exhausted']);
  await outputs.return?.();
  // What could not be made is not under way either.
  await assert.rejects(client.wait(null, { signal: given.signal }), { code: 'cancelled' });
  await assert.rejects(client.wait(null, { signal: {} as never }), { code: 'invalid-argument' });
  await assert.rejects(client.wait(null, { timeout: -1 }), { code: 'invalid-argument' });
  assert.equal(calls.underWay, 0);
});

test('maxPending counts a call that pauses before its next try, and one that is hedged once', async (t) => {
  const { world, caller, calls } = await twoNodes(t, Sums, sums().handlers);
  const peers = [
    new RawPeer(await world.domus('raw-1'), Safe.taberna),
    new RawPeer(await world.domus('raw-2'), Safe.taberna),
  ];
  const [one, other] = peers.map(({ domus }) => oneProvider(domus)) as [ProviderSource, ProviderSource];
  const either = { ...one, pick: (question: ProviderQuestion) => one.pick(question) ?? other.pick(question) };
  const settings = { ...DEFAULT_CALL_SETTINGS, maxPending: 2, hedgeAfterMs: 50 };
  const given = new AbortController();
  const hedging = clientOf(Safe, { calls, providers: either, settings }, () => true);
  const hedged = codesOf([hedging.ask(1, { signal: given.signal })]);
  await world.advance(60);
  assert.deepEqual([calls.size, calls.underWay], [2, 1]);
  const second = codesOf([hedging.ask(2, { signal: given.signal }), hedging.ask(3)]);
  await world.advance(0);
  assert.deepEqual([...hedged, ...second], [undefined, undefined, 'resource-exhausted']);
  given.abort();
  await world.advance(0);
  assert.equal(calls.underWay, 0);
  peers[0]!.decide = () => {
    const { head } = peers[0]!.received.at(-1)!;
    void peers[0]!.send(caller, keyOf(head[4] as Uint8Array), FAILURE, raw([head[0], 'unavailable', 'not now']));
    return 'take';
  };
  const pausing = clientOf(Safe, { calls, providers: one, settings: { ...settings, maxPending: 1 } }, () => true);
  const paused = codesOf([pausing.ask(1)]);
  await world.advance(1);
  assert.equal(calls.size, 0, 'no try is under way');
  await assert.rejects(pausing.ask(2), { code: 'resource-exhausted' });
  await world.advance(5_000);
  assert.deepEqual([...paused, calls.underWay], ['unavailable', 0]);
});
