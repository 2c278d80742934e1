/** What is too large for a message is refused where it is made: the connection and every other call are not touched. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { anyAuthenticatedPeer, Imperium, type ProcedureError, service, unary } from '../src/services.ts';
import { imperium as worldOf } from './memory-bench.ts';

const Bytes = service('bytes', 'v1', { up: unary<Uint8Array, number>(), down: unary<number, Uint8Array>() });
const TOO_LARGE = 9_000_000;

test('[case-87] an input and an output over maxPayloadLen are refused by whoever would send them', {}, async (t) => {
  const world = worldOf(t);
  const [a, b] = [await world.domus('a'), await world.domus('b')];
  const [provider, caller] = [await Imperium.join(a), await Imperium.join(b, { seeds: [a.address] })];
  await provider.provide(
    Bytes,
    { up: (bytes) => bytes.length, down: (count) => new Uint8Array(count) },
    { verifier: anyAuthenticatedPeer() },
  );
  await world.advance(1_000);
  const client = caller.client(Bytes);
  const codeOf = (call: Promise<unknown>): Promise<string> =>
    call.then(
      () => 'ok',
      (error: ProcedureError) => error.code,
    );
  const codes = Promise.all([codeOf(client.up(new Uint8Array(TOO_LARGE))), codeOf(client.down(TOO_LARGE))]);
  await world.advance(1_000);
  assert.deepEqual(await Promise.race([codes, world.advance(1_000)]), ['internal', 'internal']);
  assert.deepEqual(
    [a, b].map((domus) => domus.reporting.snapshot().protocolViolations),
    [0, 0],
  );
  const leaving = Promise.all([caller, provider].map((each) => each.leave({ drainTimeout: 0 })));
  await world.advance(10_000);
  await leaving;
});
