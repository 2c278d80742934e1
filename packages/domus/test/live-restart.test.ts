/** A peer that is killed under load and started again at its address, with ledgers on both sides. */
import assert from 'node:assert/strict';
import { mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { issueAuth } from '@flaminia/certificates';
import { Random, until } from '@flaminia/testkit';
import { assertEmpty } from '@flaminia/testkit/internal';
import { DomusError } from '@flaminia/transport-a0';
import { FileLedger, keepLedger, MemoryLedger } from './ledger.ts';
import { assertWithinBounds } from './live-bounds.ts';
import { judge, judgeTheirs, Load, seedOf } from './live-load.ts';
import { LiveProcess } from './live-process.ts';
import { SocketImperium, TRANSPORTS } from './socket-imperium.ts';

const KILLS = { tcp: 2, unix: 1 } as const;
const SEED = seedOf(30);
const CONFIG = { reconnectBackoff: [20], sendTimeout: 60_000, blobWindow: { chunkSize: 4_096, ackWindow: 8 } };
/** What a kill may do to work that is under way. */
const KINDS: ReadonlySet<string> = new Set(['peer-restarted', 'peer-unavailable']);

const folder = realpathSync(mkdtempSync(join(tmpdir(), 'flaminia-live-')));
after(() => rmSync(folder, { recursive: true, force: true }));

for (const transport of TRANSPORTS) {
  const last = KILLS[transport];
  test(`[a1-call-7] [a1-inv-1] [a1-inv-3] over ${transport}: a peer that is killed under load, and comes back, loses nothing that was accepted, and repeats nothing`, async (t) => {
    const seed = `FLAMINIA_SEED=${SEED}`;
    const sockets = new SocketImperium(t, transport);
    const domus = await sockets.open({ config: CONFIG });
    const [own, theirs] = [new MemoryLedger(), new FileLedger(join(folder, transport))];
    await keepLedger(domus, own);
    const address = await sockets.address();
    const auth = await issueAuth({ ca: await sockets.authority(), nodeId: 'peer' })(address);
    const start = (life: number): Promise<LiveProcess> =>
      LiveProcess.start({
        address,
        auth,
        config: CONFIG,
        ledger: join(folder, transport),
        to: domus.address,
        name: `life${life}`,
        seed: SEED + life,
      });
    let peer = await start(0);
    const random = new Random(SEED);
    const cutShort = new Set<string>();
    const settled = (): void => assertWithinBounds(domus);
    const load = new Load(domus, address, { name: 'steady', random, messages: 16, streams: 3, settled });
    try {
      for (let kills = 0; kills <= last; kills++) {
        const { messages, streams } = load.done;
        const heard = countOf(own, `message life${kills}-`);
        const goal = messages + random.between(20, 200);
        await until(
          () => load.done.messages > goal && load.done.streams > streams,
          `traffic in life ${kills}, ${seed}`,
        );
        await until(() => countOf(own, `message life${kills}-`) > heard + 10, `what life ${kills} sends, ${seed}`);
        if (kills === last) break;
        await peer.kill();
        const read = theirs.read();
        for (const { key, sha256 } of load.streams) if (!read.has(`bytes ${key} ${sha256}`)) cutShort.add(key);
        peer = await start(kills + 1);
      }
      await load.stop();
      await peer.stop();
    } finally {
      await peer.kill();
    }
    await domus.shutdown();
    judge(load, theirs, seed, cutShort);
    assertEmpty(domus);
    for (const { key, state } of [...load.messages, ...load.streams]) {
      if (state !== 'resolved') assert.ok(DomusError.is(state) && KINDS.has(state.kind), `${key}: ${String(state)}`);
    }
    judgeTheirs(theirs, own, seed);
  });
}

function countOf(ledger: MemoryLedger, beginning: string): number {
  let count = 0;
  for (const line of ledger.read().keys()) if (line.startsWith(beginning)) count++;
  return count;
}
