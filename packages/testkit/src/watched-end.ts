/** That a domus holds nothing at its end: read from its counters, not from memory. For tests over an imperium in memory, or over sockets. */
import assert from 'node:assert/strict';
import type { Domus } from '@flaminia/domus';
import { deliveryOf } from '@flaminia/domus/internal';
import { turns } from './until.ts';

/** Turns of the event loop in which whatever a shutdown has begun comes to its end. */
const REST_TURNS = 24;

/** An imperium in memory. */
interface World {
  domus(nodeId: string, options?: object): Promise<Domus>;
  close(): Promise<void>;
}

/** What ends an imperium in memory, for who ends more than that: it fails where anything is left, retained, reserved or timed. */
export function watchedEnd(world: World): () => Promise<void> {
  const members: Domus[] = [];
  const open = world.domus.bind(world);
  world.domus = async (...given) => {
    const domus = await open(...given);
    members.push(domus);
    return domus;
  };
  return async () => {
    await world.close();
    await turns(REST_TURNS);
    assertAllEnded(members);
  };
}

/** Fails where a domus in memory still holds something, or its clock has a timer to ring. */
function assertAllEnded(members: readonly Domus[]): void {
  for (const domus of members) {
    assertEnded(domus);
    const { pending } = deliveryOf(domus).clock as unknown as { readonly pending: number };
    assert.equal(pending, 0, 'timers of the clock');
  }
}

/** Fails where a domus that was shut down still holds anything: what `assertEmpty` looks for, a peer, a taberna or a blob stream. */
export function assertEnded(domus: Domus): void {
  assertEmpty(domus);
  const { peers, registry, isQuiet } = deliveryOf(domus).core;
  assert.deepEqual(
    { peers: [...peers.keys()], tabernae: registry.all.length, isQuiet },
    { peers: [], tabernae: 0, isQuiet: true },
    domus.address,
  );
}

/** Fails where something is reserved, retained or undecided. */
export function assertEmpty(domus: Domus): void {
  const { blobsIn, blobsOut } = deliveryOf(domus).core;
  const { requests, sends } = domus.reporting.snapshot();
  assert.deepEqual(
    { in: blobsIn.reserved, out: blobsOut.reserved, retained: sends.retained, undecided: requests.undecided },
    { in: 0, out: 0, retained: 0, undecided: 0 },
    domus.address,
  );
}
