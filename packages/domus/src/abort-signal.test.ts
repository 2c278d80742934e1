import assert from 'node:assert/strict';
import { getEventListeners, once } from 'node:events';
import { test } from 'node:test';
import { DomusError } from '@flaminia/transport-a0';
import { failureOf, gate, imperium, Numbers, Others, Watched } from '../test/memory-bench.ts';
import { blobEndpoint, endpoint } from './endpoint.ts';
import { json } from './json.ts';
import { anyAuthenticatedPeer, Imperium, serverStream, service, unary } from './services.ts';

test('[api-22] what is no signal is refused by each door, again and again, and begins nothing', async (t) => {
  const world = imperium(t);
  const [gateway, worker] = [await world.domus('gateway'), await world.domus('worker')];
  const Files = blobEndpoint('files', json<string>());
  const inbox = await worker.taberna(Numbers);
  for (const none of [new AbortController(), {}, { aborted: false }, 5, 'signal', null]) {
    const options = { signal: none as unknown as AbortSignal };
    for (const domus of [gateway, gateway, worker]) {
      const calls = [
        domus.send(Numbers, 1, options),
        domus.sendBlob(Files, 'file', options),
        domus.serve(Others, () => {}, options),
        domus.taberna(Others, options),
        domus.reloadAuth(undefined, options),
        domus.shutdown(options),
        inbox.receive(options),
      ];
      for (const [number, call] of calls.entries()) {
        const error = await failureOf(call);
        assert.deepEqual([error.kind, error.detail], ['invalid-config', 'signal'], `call ${number}`);
      }
      for (const feed of ['events', 'errors'] as const) {
        assert.throws(() => domus.reporting[feed](options), { kind: 'invalid-config', detail: 'signal' });
      }
    }
  }
  assert.equal(gateway.reporting.snapshot().sends.retained, 0);
  const sent = gateway.send(Numbers, 1);
  (await inbox.receive()).accept();
  await sent;
});

test('[api-25] a signal of a polyfill or of another realm is one', async (t) => {
  const world = imperium(t);
  const [gateway, worker] = [await world.domus('gateway'), await world.domus('worker')];
  await worker.taberna(Numbers);
  const { signal, ...controller } = foreignController();
  const sent = gateway.send(Numbers, 1, { signal });
  const serving = await worker.serve(Others, () => {}, { signal });
  controller.abort('enough');
  await assert.rejects(sent, (reason) => reason === 'enough');
  assert.equal((await failureOf(worker.send(Others, 2))).kind, 'unknown-taberna');
  await assert.rejects(worker.taberna(Others, { signal }), (reason) => reason === 'enough');
  await serving.close();
});

const Echo = service('echo', 'v1', { say: unary<string, string>(), count: serverStream<string, number>() });
const handlers = { say: (text: string) => text, count: async function* () {} };

test('[api-22] the doors of the services refuse what is no signal, and nothing has begun', async (t) => {
  const world = imperium(t);
  const member = await Imperium.join(await world.domus('a'));
  const provision = await member.provide(Echo, handlers, { verifier: anyAuthenticatedPeer() });
  const client = member.client(Echo);
  const options = { signal: new AbortController() as unknown as AbortSignal };
  const { topology } = member;
  const elsewhere = 'tcp://127.0.0.1:9999';
  const doors = [
    () => member.leave(options),
    () => member.ready(Echo, options),
    () => provision.close(options),
    () => topology.ping(elsewhere, options),
    () => topology.sync(elsewhere, options),
    () => topology.nodeInfo(elsewhere, options),
  ];
  for (let round = 0; round < 2; round++) {
    for (const door of doors) {
      const { kind, detail } = await failureOf(world.settle<unknown>(door()));
      assert.deepEqual([kind, detail], ['invalid-config', 'signal'], String(door));
    }
    assert.throws(() => topology.changes(options), { kind: 'invalid-config', detail: 'signal' });
    await assert.rejects(world.settle(client.say('x', options)), { code: 'invalid-argument' });
  }
  assert.equal(await world.settle(client.say('still here')), 'still here');
  assert.deepEqual(await world.settle(provision.close()), { finished: 0, cut: 0 });
  assert.deepEqual(await world.settle(member.leave()), { finished: 0, cut: 0 });
});

test('[api-25] a service is withdrawn, and an imperium left, with a signal of a polyfill', async (t) => {
  const world = imperium(t);
  const member = await Imperium.join(await world.domus('a'));
  const never = gate();
  const say = async (text: string): Promise<string> => {
    await never.passed;
    return text;
  };
  const { signal, ...controller } = foreignController();
  const provision = await member.provide(Echo, { ...handlers, say }, { verifier: anyAuthenticatedPeer() });
  const call = member.client(Echo).say('x');
  call.catch(() => {});
  await world.advance(10);
  const withdrawn = provision.close({ signal });
  await world.advance(10);
  controller.abort('enough');
  assert.deepEqual(await world.settle(withdrawn), { finished: 0, cut: 1 });
  assert.deepEqual(await world.settle(member.leave({ signal })), { finished: 0, cut: 0 });
  never.open();
});

/** A controller whose signal is like Node's, and none of those. */
function foreignController(): { readonly signal: AbortSignal; abort(reason: unknown): void } {
  const listeners = new Set<() => void>();
  const signal = {
    aborted: false,
    reason: undefined as unknown,
    addEventListener: (_type: string, listener: () => void) => void listeners.add(listener),
    removeEventListener: (_type: string, listener: () => void) => void listeners.delete(listener),
  };
  const abort = (reason: unknown): void => {
    Object.assign(signal, { aborted: true, reason });
    for (const listener of listeners) listener();
  };
  return { signal: signal as unknown as AbortSignal, abort };
}

test('[api-25] one signal may serve any number of sends, and is let go with each of them', async (t) => {
  const world = imperium(t);
  const [gateway, worker] = [await world.domus('gateway'), await world.domus('worker')];
  await worker.serve(Numbers, () => {});
  const warnings: string[] = [];
  const listen = (warning: Error): void => void warnings.push(warning.message);
  process.on('warning', listen);
  t.after(() => process.off('warning', listen));
  const controller = new AbortController();
  const { signal } = controller;
  let listeners = 0;
  const add = signal.addEventListener.bind(signal);
  const remove = signal.removeEventListener.bind(signal);
  t.mock.method(signal, 'addEventListener', (...given: Parameters<typeof add>) => {
    listeners++;
    add(...given);
  });
  t.mock.method(signal, 'removeEventListener', (...given: Parameters<typeof remove>) => {
    listeners--;
    remove(...given);
  });
  await Promise.all(Array.from({ length: 100 }, (_, i) => gateway.send(Numbers, i, { signal })));
  const [serving, inbox] = [
    await worker.serve(Others, () => {}, { signal }),
    await gateway.taberna(Others, { signal }),
  ];
  await serving.close();
  await inbox.close();
  assert.equal(listeners, 0);
  assert.deepEqual(warnings, []);
});

test('[api-25] [api-82] [api-31] whatever shares one signal shares one listener on it, which goes with the last', async (t) => {
  const world = imperium(t);
  const domuses = [await world.domus('gateway'), await world.domus('worker')] as const;
  const [gateway, worker] = domuses;
  const Files = blobEndpoint('files', json<string>());
  await worker.serve(Files, (_, { blob }) => void blob.resume());
  const inbox = await worker.taberna(Others);
  const controller = new AbortController();
  const { signal } = controller;
  const listeners = () => getEventListeners(signal, 'abort').length;
  const many = Array.from({ length: 12 }, (_, i) => endpoint(i, json<number>()));
  const [closed, feeds] = [await gateway.serve(Others, () => {}, { signal }), gateway.reporting.events({ signal })];
  assert.equal(listeners(), 1);
  await closed.close();
  await feeds.return?.();
  const finished = await gateway.sendBlob(Files, 'file', { signal });
  await once(finished.end(), 'close');
  assert.equal(listeners(), 0);

  const blobs = await Promise.all(many.map(() => gateway.sendBlob(Files, 'file', { signal })));
  for (const each of many) {
    await gateway.serve(each, () => {}, { signal });
    await worker.taberna(each, { signal });
  }
  const opening = new Watched(
    gateway.sendBlob(blobEndpoint('nowhere', json<string>()), 'file', { signal, to: worker.address }),
  );
  const received = many.map(() => new Watched(inbox.receive({ signal })));
  const events = many.flatMap(() => domuses.map(({ reporting }) => reporting.errors({ signal }).next()));
  assert.equal(listeners(), 1);
  const reason = new DomusError('invalid-state', 'enough');
  controller.abort(reason);
  await world.advance(0);
  assert.ok(blobs.every(({ errored }) => errored === reason));
  assert.ok(received.every(({ state }) => state === reason));
  assert.equal(opening.state, reason);
  assert.ok((await Promise.all(events)).every(({ done }) => done === true));
  for (const each of many) {
    assert.equal((await failureOf(gateway.send(each, 1))).kind, 'unknown-taberna');
  }
  assert.equal(listeners(), 0);
});

test('[api-42] domus that shut down with one signal share a listener on it', async (t) => {
  const world = imperium(t);
  const { signal } = new AbortController();
  const domuses = await Promise.all(Array.from({ length: 12 }, (_, i) => world.domus(`node-${i}`)));
  const closed = domuses.map((domus) => domus.shutdown({ signal }));
  assert.equal(getEventListeners(signal, 'abort').length, 1);
  await Promise.all(closed);
  assert.equal(getEventListeners(signal, 'abort').length, 0);
});
