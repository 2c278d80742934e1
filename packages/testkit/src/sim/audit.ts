/** What the oracle looks at from time to time: the size and the deadlines of whole machines (rules 3, 5 and 8). */
import type { PeerSession } from '@flaminia/delivery-a1/internal';
import { auditCalles } from './audit-callis.ts';
import { auditDials } from './dial-watch.ts';
import type { Entry } from './entry.ts';
import { RuleBroken, TICK_MS } from './rule-broken.ts';
import { modelOf } from './session-model.ts';
import type { PeerDriver, VirtualDomus } from './virtual-domus.ts';

const A2_CAPACITY = 128;
const HISTORY = 8448;

/** Everything of a running domus is within its limits, and nothing waits without a deadline and an alarm. */
export function auditDomus(domus: VirtualDomus): void {
  for (const session of domus.core.peers.values()) {
    auditLanes(domus, session);
    auditDeadlines(domus, session);
    if (isPaused(domus)) continue;
    auditCalles(domus, session);
    auditDials(domus, session);
  }
  auditReservations(domus);
  auditQueues(domus);
  for (const taberna of domus.core.registry.all) {
    if (taberna.waiting > domus.largestIngress) throw new RuleBroken(5, `${taberna.waiting} requests wait`);
    if (taberna.waiting > 1 && taberna.waitingBytes > domus.largestIngressBytes)
      throw new RuleBroken(5, `${taberna.waitingBytes} bytes wait`);
    if (taberna.deadline + TICK_MS < domus.now() && !isPaused(domus))
      throw new RuleBroken(8, 'a request waits beyond acceptTimeout');
  }
}

/** A send that is not settled has still time. */
export function auditEntry(entry: Entry, domus: VirtualDomus): void {
  if (!isPaused(domus) && domus.now() > entry.deadline + TICK_MS)
    throw new RuleBroken(3, `send ${entry.number} is ${domus.now() - entry.deadline} ms over its deadline`);
}

/** After a domus has ended nothing of it is left. */
export function auditEnd(domus: VirtualDomus, pending: readonly Entry[]): void {
  const { core, world, index } = domus;
  if (core.peers.size > 0) throw new RuleBroken(3, `${core.peers.size} peers are left after shutdown`);
  if (core.local.hasWork) throw new RuleBroken(3, 'local work is left after shutdown');
  if (core.nextDeadline() !== Number.POSITIVE_INFINITY) throw new RuleBroken(3, 'a deadline is left after shutdown');
  for (const entry of pending) {
    if (entry.from === index && entry.state === 'pending')
      throw new RuleBroken(3, `send ${entry.number} is left unsettled after shutdown`);
  }
  for (const connection of world.network.connections) {
    for (const end of connection.ends) {
      if (end.party === domus && end.joined && !end.closed)
        throw new RuleBroken(3, `${end} is left open after shutdown`);
    }
  }
}

/** Was it paused so lately that its timers may be late? */
export function isPaused(domus: VirtualDomus): boolean {
  return domus.pausedUntil + TICK_MS * 1000 >= domus.world.time;
}

function auditLanes(domus: VirtualDomus, session: PeerSession): void {
  const { sendQueueBytes } = domus.core.settings;
  const { inbox, acks, errors } = session.answers;
  const { a2, a3 } = session.retained;
  const { largestQueue } = domus;
  if (a2.count > A2_CAPACITY) throw new RuleBroken(5, `${a2.count} messages in the A2 lane`);
  if (a3.count > largestQueue) throw new RuleBroken(5, `${a3.count} messages in the A3 lane`);
  if (a3.count > 1 && a3.bytes > sendQueueBytes) throw new RuleBroken(5, `${a3.bytes} bytes in the A3 lane`);
  if (acks.size > Math.max(4096, largestQueue * 16)) throw new RuleBroken(5, `${acks.size} acks wait`);
  if (errors.size > Math.max(4096, largestQueue * 2)) throw new RuleBroken(5, `${errors.size} errors wait`);
  for (const lane of [a2, a3])
    if (lane.count === 0 && !lane.isEmpty) throw new RuleBroken(8, 'messages wait for room in an empty lane');
  const { blobs } = session;
  if (blobs !== undefined && blobs.responses.acks.size > Math.max(4096, largestQueue * 16))
    throw new RuleBroken(5, `${blobs.responses.acks.size} acks of chunks wait`);
  if (inbox.remembered > HISTORY) throw new RuleBroken(5, `${inbox.remembered} answers remembered`);
}

/** Whatever has arrived and was neither taken nor answered lies in a taberna. Sessions that close may answer no more. */
function auditQueues({ core }: VirtualDomus): void {
  let waiting = 0;
  for (const taberna of core.registry.all) waiting += taberna.waiting;
  let queued = 0;
  for (const session of core.peers.values()) {
    if (session.state.kind !== 'open') continue;
    const model = modelOf(session);
    model.queued.forEach((_, id) => {
      if (!session.answers.inbox.isUndecided(id)) model.queued.delete(id);
    });
    queued += model.queued.size;
  }
  if (queued > waiting) throw new RuleBroken(2, `${queued - waiting} requests are lost in their tabernae`);
}

/** What is reserved for streams is within its limits, and was not given back twice. */
function auditReservations({ core, largestBlobBuffer }: VirtualDomus): void {
  for (const { reserved } of [core.blobsIn, core.blobsOut]) {
    if (reserved > largestBlobBuffer) throw new RuleBroken(5, `${reserved} bytes are reserved for streams`);
    if (reserved < 0) throw new RuleBroken(6, 'a reservation was given back twice');
  }
}

function auditDeadlines(domus: VirtualDomus, session: PeerSession): void {
  const due = session.nextDeadline();
  if (session.hasWork && due === Number.POSITIVE_INFINITY) throw new RuleBroken(8, 'work waits without a deadline');
  const { alarmAt } = session.driver as PeerDriver;
  if (due < alarmAt && !isPaused(domus))
    throw new RuleBroken(8, `the alarm is set for ${alarmAt - due} ms after the next deadline`);
}
