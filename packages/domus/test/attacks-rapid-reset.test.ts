/** Work that is opened and given up at once, over and over: what it costs is bounded by admission, and nothing stays. */
import assert from 'node:assert/strict';
import { buffer } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import { test } from 'node:test';
import { Random, turns, until } from '@flaminia/testkit';
import { assertEmpty } from '@flaminia/testkit/internal';
import { DomusError } from '@flaminia/transport-a0';
import type { Domus } from '../src/domus.ts';
import { Streams } from './ledger.ts';
import { assertWithinBounds } from './live-bounds.ts';
import { seedOf } from './live-load.ts';
import { Numbers } from './memory-bench.ts';
import { SocketImperium, TRANSPORTS } from './socket-imperium.ts';

const SEED = seedOf(50);
const ROUNDS = 400;
const AT_ONCE = 8;
const CONFIG = {
  sendQueueSize: 32,
  blobWindow: { chunkSize: 4_096, ackWindow: 8 },
  blobInboundBufferBytes: 4 * 8 * 4_096,
  blobOutboundBufferBytes: 6 * 8 * 4_096,
};
const GIVEN_UP = new Error('given up');

/** Opens a stream and gives it up, at a moment of chance. */
async function openAndAbort(from: Domus, to: Domus, random: Random): Promise<string> {
  const abort = new AbortController();
  const opening = from.sendBlob(Streams, 'reset', { to: to.address, signal: abort.signal });
  const when = random.below(4);
  if (when === 0) abort.abort(GIVEN_UP);
  if (when === 1) void turns(random.below(6)).then(() => abort.abort(GIVEN_UP));
  try {
    const blob = await opening;
    blob.on('error', () => {});
    if (random.chance(70)) blob.write(Buffer.alloc(random.skewed(1, 50_000)));
    await turns(random.below(3));
    blob.destroy();
    return 'destroyed';
  } catch (error) {
    return DomusError.is(error) ? error.kind : 'given up';
  }
}

for (const transport of TRANSPORTS) {
  test(`[a1-inv-6] over ${transport}: ${ROUNDS} streams that are opened and given up reserve no more than is set, and leave nothing`, async (t) => {
    const random = new Random(SEED);
    const sockets = new SocketImperium(t, transport);
    const [attacker, victim] = [await sockets.open({ config: CONFIG }), await sockets.open({ config: CONFIG })];
    let [handled, peak, running] = [0, 0, 0];
    const whole: number[] = [];
    await victim.serve(Streams, async (key, { blob }) => {
      handled++;
      peak = Math.max(peak, ++running);
      try {
        const bytes = await buffer(blob);
        if (key === 'whole') whole.push(bytes.length);
      } finally {
        running--;
      }
    });
    const outcomes = new Map<string, number>();
    let rounds = 0;
    const lane = async (): Promise<void> => {
      while (rounds++ < ROUNDS) {
        const outcome = await openAndAbort(attacker, victim, random);
        outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
        for (const domus of [attacker, victim]) assertWithinBounds(domus);
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, lane));
    const seen = `${JSON.stringify([...outcomes])} FLAMINIA_SEED=${SEED}`;
    for (const kind of ['destroyed', 'given up']) assert.ok((outcomes.get(kind) ?? 0) > 0, seen);
    for (const kind of outcomes.keys()) {
      assert.ok(['destroyed', 'given up', 'blob-buffer-full', 'local-queue-full'].includes(kind), seen);
    }
    assert.ok(peak <= 4 && handled <= ROUNDS, `${peak} at once, ${handled} in all: ${seen}`);
    await until(() => [attacker, victim].every(({ delivery }) => delivery.core.isQuiet), `quiet, ${seen}`);
    for (const domus of [attacker, victim]) assertEmpty(domus);
    // And an honest stream fares as ever.
    await pipeline([Buffer.alloc(100_000)], await attacker.sendBlob(Streams, 'whole', { to: victim.address }));
    await until(() => whole.length === 1, 'the honest stream');
    assert.deepEqual([whole, attacker.reporting.snapshot().primaryCalles.opened], [[100_000], 1]);
  });

  test(`[a1-inv-6] over ${transport}: sends that are given up at once fill a lane and no more`, async (t) => {
    const sockets = new SocketImperium(t, transport);
    const [attacker, victim] = [await sockets.open({ config: CONFIG }), await sockets.open()];
    let handled = 0;
    await victim.serve(Numbers, () => void handled++);
    const kinds = new Map<string, number>();
    const count = (kind: string): void => void kinds.set(kind, (kinds.get(kind) ?? 0) + 1);
    for (let burst = 0; burst < 20; burst++) {
      const abort = new AbortController();
      const sends = Array.from({ length: 200 }, (_, i) =>
        attacker.send(Numbers, i, { to: victim.address, signal: abort.signal }).then(
          () => count('resolved'),
          (error: unknown) => count(DomusError.is(error) ? error.kind : 'given up'),
        ),
      );
      assertWithinBounds(attacker);
      await turns(burst % 3);
      abort.abort(GIVEN_UP);
      await Promise.all(sends);
    }
    await until(() => attacker.delivery.core.isQuiet && victim.delivery.core.isQuiet, 'quiet');
    assert.deepEqual(
      [...kinds.keys()].filter((kind) => !['resolved', 'given up', 'local-queue-full'].includes(kind)),
      [],
    );
    assert.ok(handled <= 4_000 - (kinds.get('local-queue-full') ?? 0), 'what found no room was not sent');
    assert.ok((kinds.get('local-queue-full') ?? 0) > 0 && (kinds.get('given up') ?? 0) > 0);
    for (const domus of [attacker, victim]) assertEmpty(domus);
  });
}
