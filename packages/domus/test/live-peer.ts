/**
 * A domus in a process of its own, which a test may kill or stop: it serves the endpoints of the loads, keeps a ledger in a
 * file, and sends a load of its own, whose outcomes stand in that file too (`resolved <key>`).
 *
 * It takes one `LivePeerOrder` from its parent, says `ready`, and ends in good order at `stop`.
 */
import { Random } from '@flaminia/testkit';
import { assertEmpty } from '@flaminia/testkit/internal';
import type { DomusAddr, Pkcs8AuthConfig } from '@flaminia/transport-a0';
import type { DomusConfig } from '../src/config.ts';
import { Domus } from '../src/domus.ts';
import { FileLedger, keepLedger } from './ledger.ts';
import { assertWithinBounds } from './live-bounds.ts';
import { Load } from './live-load.ts';

/** What a peer is to do. */
export interface LivePeerOrder {
  readonly address: DomusAddr;
  readonly auth: Pkcs8AuthConfig;
  readonly config: Partial<DomusConfig>;
  /** Where its ledger lies. */
  readonly ledger: string;
  /** Its own load. */
  readonly to: DomusAddr;
  readonly name: string;
  readonly seed: number;
}

if (process.send !== undefined) {
  process.once('message', (order) => {
    void live(order as LivePeerOrder);
  });
}

async function live({ address, auth, config, ledger, to, name, seed }: LivePeerOrder): Promise<void> {
  const book = new FileLedger(ledger);
  const domus = await Domus.open({ address, auth, config });
  await keepLedger(domus, book);
  const load = new Load(domus, to, {
    name,
    random: new Random(seed),
    messages: 8,
    streams: 2,
    settled: ({ key, sha256, state }) => {
      assertWithinBounds(domus);
      if (state === 'resolved') book.write(`resolved ${sha256 === undefined ? 'message' : 'stream'} ${key}`);
    },
  });
  const stopped = new Promise<void>((resolve) => process.once('message', () => resolve()));
  process.send!('ready');
  await stopped;
  await load.stop();
  await domus.shutdown();
  assertEmpty(domus);
  process.disconnect();
}
