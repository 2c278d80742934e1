/** Calls whose peer is lost: at the caller, at the provider, and what is left behind at either. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type { PeerEvent, Port } from '../../src/port.ts';
import type { CallContext } from '../../src/procedures/call-types.ts';
import { Calls } from '../../src/procedures/calls.ts';
import { clientOf } from '../../src/procedures/client.ts';
import { DEFAULT_CALL_SETTINGS } from '../../src/procedures/client-options.ts';
import { ANSWER, CALL, CANCEL, FAILURE } from '../../src/procedures/core/wire.ts';
import { ProcedureError } from '../../src/procedures/procedure-error.ts';
import type { ProviderSource } from '../../src/procedures/provider-source.ts';
import { service, unary } from '../../src/procedures/service.ts';
import { codeOf, toTheEnd } from './outcomes.ts';
import { keyOf, RawPeer, raw } from './raw-peer.ts';
import { Sums, type SumsLog, sums, whenAborted } from './sums.ts';
import { oneProvider, type TwoNodes, twoNodes } from './two-nodes.ts';

interface Rig extends TwoNodes<typeof Sums> {
  readonly log: SumsLog;
  /** Reasons of the streams that ended. */
  readonly ended: string[];
}

/** With a stream of outputs that goes on for as long as somebody wants it. */
async function rig(t: TestContext): Promise<Rig> {
  const { handlers, log } = sums();
  const ended: string[] = [];
  const nodes = await twoNodes(t, Sums, {
    ...handlers,
    count: async function* (_to: number, context: CallContext) {
      yield 0;
      await new Promise((resolve) => whenAborted(context, resolve));
      ended.push((context.signal.reason as ProcedureError).code);
    },
  });
  return { ...nodes, log, ended };
}

function abortable(): { readonly signal: AbortSignal; readonly abort: () => void } {
  const controller = new AbortController();
  return { signal: controller.signal, abort: () => controller.abort() };
}

test('[proc-loss-2] [case-76] pending calls fail as soon as a lost connection cannot be had again', async (t) => {
  const { client, world, caller, provider, calls } = await rig(t);
  const unary = codeOf(client.wait(null));
  const stream = codeOf(toTheEnd(client.count(1)));
  const inputs = codeOf(
    client.sum(
      (async function* () {
        yield await new Promise<number>(() => {});
      })(),
    ),
  );
  await world.advance(10);
  assert.deepEqual([unary(), stream(), inputs()], [undefined, undefined, undefined]);
  world.cut(caller, provider);
  await world.advance(100);
  assert.deepEqual([unary(), stream(), inputs(), calls.size], ['unavailable', 'unavailable', 'unavailable', 0]);
});

test('[proc-loss-2] handlers of calls that have failed at a cut end when the session comes back', async (t) => {
  const { client, world, caller, provider, provided, log, ended } = await rig(t);
  const unary = codeOf(client.wait(null));
  const stream = codeOf(toTheEnd(client.count(1)));
  await world.advance(10);
  world.cut(caller, provider);
  await world.advance(100);
  assert.deepEqual([unary(), stream(), log.aborted.length, ended.length], ['unavailable', 'unavailable', 0, 0]);
  world.heal();
  await world.advance(5000);
  assert.deepEqual([log.aborted.length, ended, provided.underWay], [1, ['cancelled'], 0]);
  assert.equal(await client.add({ a: 1, b: 2 }), 3);
});

test('[proc-loss-1] handlers that run for a caller are aborted when its session has ended', async (t) => {
  const { client, world, caller, provided, log, ended } = await rig(t);
  void client.wait(null).catch(() => {});
  void toTheEnd(client.count(1)).catch(() => {});
  await world.advance(10);
  assert.equal(provided.underWay, 2);
  const down = caller.shutdown({ drainTimeout: 0 });
  await world.advance(100);
  await down;
  assert.deepEqual([log.aborted.length, ended, provided.underWay], [1, ['cancelled'], 0]);
});

test('[proc-loss-1] [case-76] pending calls fail at once when the provider ends the session', async (t) => {
  const { client, world, provider, calls } = await rig(t);
  const unary = codeOf(client.wait(null));
  const stream = codeOf(toTheEnd(client.count(1)));
  await world.advance(10);
  const down = provider.shutdown({ drainTimeout: 0 });
  await world.advance(0);
  assert.deepEqual([unary(), stream(), calls.size], ['unavailable', 'unavailable', 0]);
  await world.advance(100);
  await down;
});

test('[proc-loss-1] a session that is cut for good ends at the provider too', async (t) => {
  const { client, world, caller, provider, provided } = await rig(t);
  void client.wait(null).catch(() => {});
  void toTheEnd(client.count(1)).catch(() => {});
  await world.advance(10);
  world.cut(caller, provider);
  await world.advance(120_000);
  assert.equal(provided.underWay, 0);
});

const Safe = service('safe', 'v1', { ask: unary<number, string>({ idempotent: true }) });

/** Gives its providers in turn to whoever has not tried them. */
function inTurn(...sources: readonly ProviderSource[]): ProviderSource {
  return {
    ...sources[0]!,
    pick: (question) => sources.map((each) => each.pick(question)).find((each) => each !== undefined),
  };
}

test('when all providers were tried an idempotent call goes back to the first, behind a pause, and five times in all', async (t) => {
  const { world, caller, calls } = await rig(t);
  const peer = new RawPeer(await world.domus('raw-1'), Safe.taberna);
  let failures = 2;
  peer.decide = () => {
    const { head } = peer.received.at(-1)!;
    const isFailing = failures-- > 0;
    const answer = isFailing ? raw([head[0], 'unavailable', 'not now']) : raw([head[0]], 'at last');
    void peer.send(caller, keyOf(head[4] as Uint8Array), isFailing ? FAILURE : ANSWER, answer);
    return 'take';
  };
  const parts = { calls, providers: oneProvider(peer.domus), settings: DEFAULT_CALL_SETTINGS };
  const client = clientOf(Safe, parts, () => true);
  const answered = client.ask(1);
  await world.advance(1);
  assert.equal(peer.received.length, 1, 'the second try waits');
  await world.advance(1_000);
  assert.equal(await answered, 'at last');
  assert.equal(peer.received.length, 3);

  failures = 100;
  const failed = codeOf(client.ask(2));
  await world.advance(5_000);
  assert.deepEqual([failed(), peer.received.length, calls.size], ['unavailable', 3 + 5, 0]);

  failures = 100;
  const cut = codeOf(client.ask(3, { timeout: 20 }));
  const { signal, abort } = abortable();
  const givenUp = codeOf(client.ask(4, { signal }));
  await world.advance(10);
  abort();
  await world.advance(10);
  assert.deepEqual([cut(), givenUp(), peer.received.length], ['deadline-exceeded', 'cancelled', 8 + 2]);
});

test('[case-76] an idempotent call whose provider is on offer no more fails at once, be it during the pause', async (t) => {
  const { world, caller, calls } = await rig(t);
  const peer = new RawPeer(await world.domus('raw-1'), Safe.taberna);
  peer.decide = () => {
    const { head } = peer.received.at(-1)!;
    void peer.send(caller, keyOf(head[4] as Uint8Array), FAILURE, raw([head[0], 'resource-exhausted', 'full']));
    return 'take';
  };
  const { pick } = oneProvider(peer.domus);
  let isOffered = true;
  const providers: ProviderSource = {
    ...oneProvider(peer.domus),
    pick: (question) => (isOffered ? pick(question) : undefined),
    hasOffer: () => isOffered,
  };
  const client = clientOf(Safe, { calls, providers, settings: DEFAULT_CALL_SETTINGS }, () => true);
  const paused = codeOf(client.ask(1));
  await world.advance(1);
  const failed = codeOf(client.ask(2));
  isOffered = false;
  await world.advance(1);
  assert.deepEqual([paused(), failed()], [undefined, 'resource-exhausted']);
  await world.advance(100);
  assert.deepEqual([paused(), peer.received.length, calls.size], ['resource-exhausted', 2, 0]);
});

test('[proc-stop-2] a try that another has made needless is cancelled', async (t) => {
  const { world, caller, calls } = await rig(t);
  const slow = new RawPeer(await world.domus('slow-1'), Safe.taberna);
  const quick = new RawPeer(await world.domus('quick-1'), Safe.taberna);
  quick.decide = () => {
    const { head } = quick.received.at(-1)!;
    void quick.send(caller, keyOf(head[4] as Uint8Array), ANSWER, raw([head[0]], 'quick'));
    return 'take';
  };
  const settings = { ...DEFAULT_CALL_SETTINGS, hedgeAfterMs: 50 };
  const parts = { calls, providers: inTurn(oneProvider(slow.domus), oneProvider(quick.domus)), settings };
  const call = clientOf(Safe, parts, () => true).ask(1);
  await world.advance(60);
  assert.equal(await call, 'quick');
  await world.advance(0);
  assert.deepEqual([slow.of(CALL).length, slow.of(CANCEL).length, quick.of(CANCEL).length], [1, 1, 0]);
});

test('what a provider answers with ends a hedged call, a failure that is the caller’s included; others wait for the hedge', async (t) => {
  const { world, caller, calls } = await rig(t);
  const settings = { ...DEFAULT_CALL_SETTINGS, hedgeAfterMs: 50 };
  const failing = async (id: string, code: string) => {
    const [first, hung] = [`${id}-1`, `${id}-2`].map(
      async (nodeId) => new RawPeer(await world.domus(nodeId), Safe.taberna),
    );
    const [told, silent] = [await first!, await hung!];
    const providers = inTurn(oneProvider(told.domus), oneProvider(silent.domus));
    const call = clientOf(Safe, { calls, providers, settings }, () => true).ask(1, { timeout: 1_000 });
    const error = call.then(
      () => assert.fail('it was answered'),
      (reason: ProcedureError) => reason,
    );
    await world.advance(60);
    const { head } = told.received.at(-1)!;
    void told.send(caller, keyOf(head[4] as Uint8Array), FAILURE, raw([head[0], code, 'said so']));
    await world.advance(0);
    return { code: codeOf(call), error, silent };
  };
  const missing = await failing('missing', 'not-found');
  assert.equal(missing.code(), 'not-found');
  await world.advance(0);
  assert.deepEqual([missing.silent.of(CALL).length, missing.silent.of(CANCEL).length, calls.size], [1, 1, 0]);
  const broken = await failing('broken', 'internal');
  assert.deepEqual([broken.code(), calls.size], [undefined, 1]);
  await world.advance(1_000);
  assert.equal(broken.code(), 'deadline-exceeded');
  assert.equal(
    ((await broken.error).cause as ProcedureError).code,
    'internal',
    'what the other try ended with is told',
  );
});

test('[proc-loss-4] calls of a caller that goes away fail, are cancelled, and are not made again', async (t) => {
  const { world } = await rig(t);
  const caller = await world.domus('caller-2');
  const calls = new Calls(caller.port);
  const [one, two] = [
    new RawPeer(await world.domus('raw-1'), Safe.taberna),
    new RawPeer(await world.domus('raw-2'), Safe.taberna),
  ];
  const parts = {
    calls,
    providers: inTurn(oneProvider(one.domus), oneProvider(two.domus)),
    settings: DEFAULT_CALL_SETTINGS,
  };
  const call = codeOf(clientOf(Safe, parts, () => true).ask(1));
  await world.advance(0);
  calls.close(new ProcedureError('unavailable', 'gone'));
  await world.advance(0);
  assert.deepEqual([call(), calls.size], ['unavailable', 0]);
  assert.deepEqual([one.of(CALL).length, one.of(CANCEL).length, two.received.length], [1, 1, 0]);
});

test('[proc-loss-1] a call that waits to be sent outlives the session: it goes to the peer that has started anew', async (t) => {
  const { world } = await rig(t);
  const caller = await world.domus('caller-2');
  const peer = new RawPeer(await world.domus('raw-1'), Sums.taberna);
  const told: ((event: PeerEvent) => void)[] = [];
  const onPeer = (listener: (event: PeerEvent) => void): (() => void) => {
    told.push(listener);
    return () => {};
  };
  const calls = new Calls(Object.create(caller.port, { onPeer: { value: onPeer } }) as Port);
  const parts = { calls, providers: oneProvider(peer.domus), settings: DEFAULT_CALL_SETTINGS };
  const client = clientOf(Sums, parts, () => true);
  const taken = [codeOf(client.add({ a: 1, b: 2 })), codeOf(toTheEnd(client.count(1)))];
  await world.advance(0);
  peer.decide = () => 'hold';
  const waiting = [codeOf(client.add({ a: 1, b: 2 })), codeOf(toTheEnd(client.count(1)))];
  await world.advance(0);
  told[0]!({ kind: 'ended', address: peer.domus.address });
  await world.advance(0);
  assert.deepEqual(
    [...taken, ...waiting].map((code) => code()),
    ['unavailable', 'unavailable', undefined, undefined],
  );
  calls.close(new ProcedureError('unavailable', 'the test is over'));
});
