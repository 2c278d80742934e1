/**
 * This fabric, as a user drives it: `depth` loops that await `domus.send` of 64 bytes, and a handler that returns at
 * once, which accepts. Lanes and inbox have room for `depth`; every other setting is the default. In the paced road one loop
 * sends everything and awaits one send in sixteen, as nobody awaits the promises of the pumps.
 */
import { bytes, Domus, type DomusConfig, endpoint, SimpleResolver } from '@flaminia/domus';
import { deliveryOf } from '@flaminia/domus/internal';
import type { Side } from '../credentials.ts';
import type { Receiving, Road, Run, Sending } from '../road.ts';
import type { Tally } from '../tally.ts';

export const domusRoad: Road = roadWith((domus) => domus);

/** The same, few sends awaited. */
export const pacedRoad: Road = roadWith((domus) => domus, pacedDrive);

/** The same without what reporting does for each message: what it costs is the difference. */
export const unreportedRoad: Road = roadWith(withoutReporting);

const Pings = endpoint('bench-pings', bytes());

/** The sends of a burst are answered in their order, so the last of them tells of all. One that fails ends the process. */
const BURST = 16;

/** What a drive sends with, and how long. */
interface Load {
  readonly depth: number;
  readonly tally: Tally;
  readonly sendOne: () => Promise<void>;
  readonly isOpen: () => boolean;
}

/** Keeps `depth` messages unanswered while the load is open; resolves when the last is answered. */
type Drive = (load: Load) => Promise<void>;

async function awaitedDrive({ depth, tally, sendOne, isOpen }: Load): Promise<void> {
  const loop = async (): Promise<void> => {
    while (isOpen()) {
      await sendOne();
      tally.add(1);
    }
  };
  await Promise.all(Array.from({ length: depth }, loop));
}

async function pacedDrive({ depth, tally, sendOne, isOpen }: Load): Promise<void> {
  const burst = (): Promise<void> => {
    for (let left = BURST; left > 1; left--) void sendOne();
    return sendOne();
  };
  const lasts = Array.from({ length: depth / BURST }, burst);
  for (let oldest = 0; isOpen(); oldest = (oldest + 1) % lasts.length) {
    await lasts[oldest];
    tally.add(BURST);
    lasts[oldest] = burst();
  }
  await Promise.all(lasts);
}

/** `prepared`: what is done to each domus before it is used. */
function roadWith(prepared: (domus: Domus) => Domus, drive: Drive = awaitedDrive): Road {
  return {
    receive: (run) => receive(run, prepared),
    send: (run, tally) => send(run, tally, prepared, drive),
  };
}

async function receive(run: Run, prepared: (domus: Domus) => Domus): Promise<Receiving> {
  const domus = prepared(await openDomus(run.receiver, run.plan.depth));
  await domus.serve(Pings, () => {});
  return { close: () => domus.shutdown() };
}

async function send(run: Run, tally: Tally, prepared: (domus: Domus) => Domus, drive: Drive): Promise<Sending> {
  const resolver = new SimpleResolver([[Pings, run.receiver.address]]);
  const domus = prepared(await openDomus(run.sender, run.plan.depth, resolver));
  const payload = new Uint8Array(run.plan.payloadBytes).fill(7);
  // The connection stands before the loops start: a full lane would refuse what they send meanwhile.
  await domus.send(Pings, payload);
  let open = true;
  const sendOne = (): Promise<void> => domus.send(Pings, payload);
  const isOpen = (): boolean => open;
  const driven = drive({ depth: run.plan.depth, tally, sendOne, isOpen });
  return {
    agreed: '',
    close: async () => {
      open = false;
      await driven;
      await domus.shutdown();
    },
  };
}

function openDomus({ address, auth }: Side, depth: number, resolver?: SimpleResolver): Promise<Domus> {
  const config: Partial<DomusConfig> = { sendQueueSize: depth, tabernaAcceptQueueSize: Math.max(1_024, 2 * depth) };
  return Domus.open({ address, auth, config, ...(resolver && { resolver }) });
}

/** Counts no message and no byte, times no send. What delivery itself decides by, as the number of acks, stays. */
function withoutReporting(domus: Domus): Domus {
  const { latency } = domus.reporting as unknown as { readonly latency: object };
  Object.assign(latency, { record() {} });
  const delivery = deliveryOf(domus);
  Object.assign(delivery, { measuredNow: () => 0 });
  Object.assign(delivery.core.counters, { messageIn() {}, messageOut() {} });
  return domus;
}
