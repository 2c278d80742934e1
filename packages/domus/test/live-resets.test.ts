/** Connections that are reset again and again under messages and blob streams, over real sockets and through relays. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { Random, until } from '@flaminia/testkit';
import { assertEmpty } from '@flaminia/testkit/internal';
import { parseAddress } from '@flaminia/transport-a0';
import { CutProxy } from '../../../interop/cut-proxy.ts';
import type { Domus } from '../src/domus.ts';
import { keepLedger, MemoryLedger } from './ledger.ts';
import { assertWithinBounds } from './live-bounds.ts';
import { judge, Load, seedOf } from './live-load.ts';
import { freePort, type SocketDomusOptions, SocketImperium, TRANSPORTS } from './socket-imperium.ts';

const RESETS = 8;
const SEED = seedOf(20);

/** Small windows, so that every stream is many chunks, and quick redials. */
const CONFIG = {
  reconnectBackoff: [10],
  listenerReconnectTimeout: 100,
  sendTimeout: 60_000,
  sendQueueSize: 64,
  blobWindow: { chunkSize: 4_096, ackWindow: 8 },
  blobOutboundBufferBytes: 256 * 1_024,
  blobInboundBufferBytes: 256 * 1_024,
};

/** A domus whose listener stands behind a relay. */
async function openBehindRelay(
  sockets: SocketImperium,
  options: SocketDomusOptions,
): Promise<{ domus: Domus; relay: CutProxy }> {
  const address = await sockets.address();
  const place = parseAddress(address);
  if (place.kind === 'unix') {
    const domus = await sockets.open({ ...options, address });
    return { domus, relay: await CutProxy.interpose(place.path) };
  }
  const port = await freePort();
  const relay = await CutProxy.open({ host: place.ip, port: place.port }, { host: place.ip, port });
  return { domus: await sockets.open({ ...options, address, listen: `${place.ip}:${port}` }), relay };
}

for (const transport of TRANSPORTS) {
  test(`[a1-inv-1] [a1-inv-3] [a1-loss-1] over ${transport}: ${RESETS} resets under messages and streams both ways lose and repeat nothing`, async (t) => {
    const seed = `FLAMINIA_SEED=${SEED}`;
    const random = new Random(SEED);
    const sockets = new SocketImperium(t, transport);
    const [left, right] = [
      await openBehindRelay(sockets, { config: CONFIG }),
      await openBehindRelay(sockets, { config: CONFIG }),
    ];
    const domus = [left.domus, right.domus] as const;
    const ledgers = [new MemoryLedger(), new MemoryLedger()] as const;
    for (const [i, ledger] of ledgers.entries()) await keepLedger(domus[i]!, ledger);
    const load = (from: Domus, to: Domus, name: string): Load =>
      new Load(from, to.address, {
        name,
        random: new Random(SEED + name.length),
        messages: 24,
        streams: 6,
        settled: () => assertWithinBounds(from),
      });
    const loads = [load(left.domus, right.domus, 'left'), load(right.domus, left.domus, 'right-')] as const;
    try {
      // A side that has never heard of a session asks for a new one, and to the other that is a restart (a1-call-12).
      await until(() => loads.every(({ done }) => done.messages > 0), `the first answers, ${seed}`);
      for (let resets = 0; resets < RESETS; resets++) {
        // The rhythm of the fault; nothing is awaited by it.
        await pause(random.between(50, 500));
        for (const { relay } of random.chance(50) ? [left, right] : [right]) relay.cut();
      }
      const goals = loads.map(({ done }) => ({ messages: done.messages + 50, streams: done.streams + 2 }));
      const isMet = ({ done }: Load, i: number): boolean =>
        done.messages >= goals[i]!.messages && done.streams >= goals[i]!.streams;
      await until(() => loads.every(isMet), `traffic behind the last reset, ${seed}`);
      await Promise.all(loads.map((one) => one.stop()));
    } finally {
      await Promise.all([left.relay.close(), right.relay.close()]);
    }
    await Promise.all(domus.map((one) => one.shutdown()));
    judge(loads[0], ledgers[1], seed);
    judge(loads[1], ledgers[0], seed);
    for (const one of domus) assertEmpty(one);
    for (const { messages, streams } of loads) {
      const failed = [...messages, ...streams].filter(({ state }) => state !== 'resolved');
      assert.deepEqual(
        failed.map(({ key, state }) => `${key}: ${String(state)}`),
        [],
        `what failed, ${seed}`,
      );
    }
    assert.ok(
      domus.some((one) => one.reporting.snapshot().replays > 0),
      'the resets have hit messages under way',
    );
  });
}
