/**
 * This fabric, as a user drives it: `depth` loops that await `domus.send` of 64 bytes, and a handler that returns at
 * once, which accepts. Lanes and inbox have room for `depth`; every other setting is the default. In the counted road nobody
 * awaits, as in the pumps with a promise per message: each answer is told to a function, which sends the next.
 */
import { bytes, Domus, type DomusConfig, endpoint, SimpleResolver } from '@flaminia/domus';
import type { Side } from '../credentials.ts';
import type { Receiving, Road, Run, Sending } from '../road.ts';
import type { Tally } from '../tally.ts';

export const domusRoad: Road = roadWith((domus) => domus);

/** The same, each answer counted by a function. */
export const countedRoad: Road = roadWith((domus) => domus, countedLoop);

/** The same without what reporting does for each message: what it costs is the difference. */
export const unreportedRoad: Road = roadWith(withoutReporting);

const Pings = endpoint('bench-pings', bytes());

/** Sends one message after the other while `isOpen`; resolves when the last is answered. */
type Loop = (sendOne: () => Promise<void>, isOpen: () => boolean, tally: Tally) => Promise<void>;

async function awaitedLoop(sendOne: () => Promise<void>, isOpen: () => boolean, tally: Tally): Promise<void> {
  while (isOpen()) {
    await sendOne();
    tally.add(1);
  }
}

function countedLoop(sendOne: () => Promise<void>, isOpen: () => boolean, tally: Tally): Promise<void> {
  return new Promise((resolve, reject) => {
    const answered = (): void => {
      tally.add(1);
      if (isOpen()) sendNext();
      else resolve();
    };
    const sendNext = (): void => {
      sendOne().then(answered, reject);
    };
    sendNext();
  });
}

/** `prepared`: what is done to each domus before it is used. */
function roadWith(prepared: (domus: Domus) => Domus, loop: Loop = awaitedLoop): Road {
  return {
    receive: (run) => receive(run, prepared),
    send: (run, tally) => send(run, tally, prepared, loop),
  };
}

async function receive(run: Run, prepared: (domus: Domus) => Domus): Promise<Receiving> {
  const domus = prepared(await openDomus(run.receiver, run.plan.depth));
  await domus.serve(Pings, () => {});
  return { close: () => domus.shutdown() };
}

async function send(run: Run, tally: Tally, prepared: (domus: Domus) => Domus, loop: Loop): Promise<Sending> {
  const resolver = new SimpleResolver([[Pings, run.receiver.address]]);
  const domus = prepared(await openDomus(run.sender, run.plan.depth, resolver));
  const payload = new Uint8Array(run.plan.payloadBytes).fill(7);
  // The connection stands before the loops start: a full lane would refuse what they send meanwhile.
  await domus.send(Pings, payload);
  let open = true;
  const sendOne = (): Promise<void> => domus.send(Pings, payload);
  const isOpen = (): boolean => open;
  const loops = Array.from({ length: run.plan.depth }, () => loop(sendOne, isOpen, tally));
  return {
    agreed: '',
    close: async () => {
      open = false;
      await Promise.all(loops);
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
  Object.assign(domus.delivery, { measuredNow: () => 0 });
  Object.assign(domus.delivery.core.counters, { messageIn() {}, messageOut() {} });
  return domus;
}
