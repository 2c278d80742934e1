/** A peer whose process is stopped for a while: nothing is lost, nothing grows, nobody else waits. */
import assert from 'node:assert/strict';
import { mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { issueAuth } from '@flaminia/certificates';
import { Random, until } from '@flaminia/testkit';
import { assertEmpty } from '@flaminia/testkit/internal';
import { FileLedger, keepLedger, MemoryLedger } from './ledger.ts';
import { assertWithinBounds } from './live-bounds.ts';
import { judge, Load, seedOf } from './live-load.ts';
import { LiveProcess } from './live-process.ts';
import { eventsOf, Numbers } from './memory-bench.ts';
import { SocketImperium, TRANSPORTS } from './socket-imperium.ts';

const SEED = seedOf(40);
const CONFIG = { sendTimeout: 60_000, sendQueueSize: 64, blobWindow: { chunkSize: 4_096, ackWindow: 8 } };

const SIGNS: ReadonlySet<string> = new Set([
  'peer-session-restarted',
  'peer-disconnected',
  'primary-callis-disconnected',
  'blob-callis-disconnected',
]);

const folder = realpathSync(mkdtempSync(join(tmpdir(), 'flaminia-live-')));
after(() => rmSync(folder, { recursive: true, force: true }));

for (const transport of TRANSPORTS) {
  test(`[a1-inv-6] [a1-inv-7] [case-91] over ${transport}: a peer that is stopped costs its own lane, and goes on where it stood`, async (t) => {
    const seed = `FLAMINIA_SEED=${SEED}`;
    const sockets = new SocketImperium(t, transport);
    const [domus, other] = [await sockets.open({ config: CONFIG }), await sockets.open()];
    const [own, theirs] = [new MemoryLedger(), new FileLedger(join(folder, transport))];
    await keepLedger(domus, own);
    await other.serve(Numbers, () => {});
    const address = await sockets.address();
    const auth = await issueAuth({ ca: await sockets.authority(), nodeId: 'peer' })(address);
    const ledger = join(folder, transport);
    const peer = await LiveProcess.start({
      address,
      auth,
      config: CONFIG,
      ledger,
      to: domus.address,
      name: 'peer',
      seed: SEED,
    });
    const events = eventsOf(domus);
    // More than the lane holds: the rest waits for room.
    const shape = { name: 'steady', random: new Random(SEED), messages: 48, streams: 3 };
    const load = new Load(domus, address, { ...shape, settled: () => assertWithinBounds(domus) });
    try {
      for (let round = 0; round < 2; round++) {
        const { messages, streams } = load.done;
        await until(() => load.done.messages > messages + 100 && load.done.streams > streams, `traffic, ${seed}`);
        peer.freeze();
        // The other peer is served all the while; by then everything to the stopped one stands still.
        for (let i = 0; i < 300; i++) await domus.send(Numbers, i, { to: other.address });
        assertWithinBounds(domus);
        peer.thaw();
      }
      await load.stop();
      assert.deepEqual(
        events.map(({ kind }) => kind).filter((kind) => SIGNS.has(kind)),
        [],
        'nobody was taken for dead',
      );
      await peer.stop();
    } finally {
      peer.thaw();
      await peer.kill();
    }
    await domus.shutdown();
    judge(load, theirs, seed);
    assertEmpty(domus);
    assert.ok(
      [...load.messages, ...load.streams].every(({ state }) => state === 'resolved'),
      `all resolved, ${seed}`,
    );
  });
}
