/** Opening and joining that their program gives up: with the reason of its signal, and nothing is left. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AuthFunction } from '../src/auth-sources.ts';
import { Domus } from '../src/domus.ts';
import { type Discovery, Imperium, staticDiscovery } from '../src/services.ts';
import { imperium } from './memory-bench.ts';
import { authorities, freshMaterial } from './rotation-material.ts';
import { SocketImperium } from './socket-imperium.ts';

const ENOUGH = new Error('enough');
const issuers = authorities();

for (const transport of ['tcp', 'unix'] as const) {
  test(`[api-1] an opening over ${transport} ends with its signal, and its address is free`, async (t) => {
    const sockets = new SocketImperium(t, transport);
    const address = await sockets.address();
    const { old } = await issuers;
    const giveUp = new AbortController();
    const material: AuthFunction = (own) => freshMaterial(own, old);
    const never: AuthFunction = () => {
      setImmediate(() => giveUp.abort(ENOUGH));
      return new Promise(() => {});
    };
    await assert.rejects(Domus.open({ address, auth: never, signal: giveUp.signal }), ENOUGH);
    const unasked: AuthFunction = () => assert.fail('nobody waits for this');
    await assert.rejects(Domus.open({ address, auth: unasked, signal: giveUp.signal }), ENOUGH);
    const late = new AbortController();
    const lastMoment: AuthFunction = async (own) => {
      const given = await material(own);
      // Behind whatever waits for the material: the domus begins to listen then.
      setImmediate(() => late.abort(ENOUGH));
      return given;
    };
    const end = await Domus.open({ address, auth: lastMoment, signal: late.signal }).catch((error: unknown) => error);
    if (end instanceof Domus) await end.shutdown();
    else assert.equal(end, ENOUGH);
    const domus = await sockets.open({ address, auth: material });
    assert.equal(domus.address, address);
  });
}

test('[case-58] a join ends with its signal, and the domus can join again', async (t) => {
  const world = imperium(t);
  const domus = await world.domus('a');
  const source = staticDiscovery();
  const stuck: Discovery = Object.assign(Object.create(source), { start: () => new Promise(() => {}) });
  for (const options of [{ discovery: stuck }, { seeds: stuck }]) {
    const giveUp = new AbortController();
    const joining = assert.rejects(Imperium.join(domus, { ...options, signal: giveUp.signal }), ENOUGH);
    giveUp.abort(ENOUGH);
    await world.settle(joining);
    await assert.rejects(Imperium.join(domus, { signal: giveUp.signal }), ENOUGH);
  }
  const joined = await Imperium.join(domus, { signal: new AbortController().signal });
  await joined.leave({ drainTimeout: 0 });
});

test('[api-22] a signal that is none is refused by opening and joining', async (t) => {
  const signal = new AbortController() as never;
  const address = 'tcp://127.0.0.1:7000';
  const refused = { kind: 'invalid-config', detail: 'signal' };
  await assert.rejects(Domus.open({ address, auth: () => assert.fail('not asked'), signal }), refused);
  const domus = await imperium(t).domus('a');
  await assert.rejects(Imperium.join(domus, { signal }), refused);
});
