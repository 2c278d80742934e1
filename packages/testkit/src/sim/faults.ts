/**
 * The faults of a simulation: what each does to the network or to a node, and when it ends. Which kinds there are, and
 * how often, is the swarm's to say.
 */

import type { Connection, End } from './connection.ts';
import type { Coverage } from './coverage.ts';
import type { Random } from './random.ts';
import { encodeFrame } from './raw-peer.ts';
import { drawSettings, type FaultWeights, type Swarm } from './swarm.ts';
import type { VirtualDomus } from './virtual-domus.ts';
import type { World } from './world.ts';

/** What faults ask of the simulation. */
export interface FaultStage {
  readonly world: World;
  readonly swarm: Swarm;
  /** The kinds of faults of the swarm, with their weights. */
  readonly faultKinds: readonly [keyof FaultWeights, number][];
  readonly coverage: Coverage;
  /** The domus at this place, if it is up. */
  domusAt(index: number): VirtualDomus | undefined;
  crash(domus: VirtualDomus, silently: boolean): void;
  shutDown(domus: VirtualDomus): void;
  toggleTaberna(domus: VirtualDomus): void;
  planHeal(from: number, to: number, micros: number): void;
  planGiveUp(connection: Connection, micros: number): void;
  say(text: string): void;
}

type Fault = (stage: FaultStage, random: Random) => void;

const FAULTS: Readonly<Record<keyof FaultWeights, Fault>> = {
  reset,
  halfOpen,
  halfLost,
  partition: (stage, random) => closeRoutes(stage, random, true),
  oneWay: (stage, random) => closeRoutes(stage, random, false),
  crash: (stage, random) => crash(stage, random, false),
  silentCrash: (stage, random) => crash(stage, random, true),
  pause,
  stall,
  settings: changeSettings,
  closePeer,
  shutdown: (stage, random) => withNode(stage, random, (domus) => stage.shutDown(domus)),
  taberna: (stage, random) => withNode(stage, random, (domus) => stage.toggleTaberna(domus)),
  lateCall,
};

/** Injects one fault of the kinds that the swarm has. */
export function injectFault(stage: FaultStage): void {
  const { random } = stage.world;
  const { faultKinds } = stage;
  if (faultKinds.length === 0) return;
  let at = random.below(faultKinds.reduce((sum, [, weight]) => sum + weight, 0));
  for (const [kind, weight] of faultKinds) {
    at -= weight;
    if (at >= 0) continue;
    stage.say(`fault: ${kind}`);
    FAULTS[kind](stage, random);
    return;
  }
}

/** Up to the time in which the protocol must give up, and a little more. */
function duration(stage: FaultStage, random: Random): number {
  return random.skewed(100, stage.swarm.settings.sendTimeoutMs * 1500);
}

function withNode(stage: FaultStage, random: Random, act: (domus: VirtualDomus) => void): void {
  const domus = stage.domusAt(random.below(stage.swarm.nodes));
  if (domus?.isListening === true && domus.pausedUntil <= stage.world.time) act(domus);
}

function withConnection(stage: FaultStage, random: Random, act: (connection: Connection) => void): void {
  const live = liveConnections(stage);
  if (live.length > 0) act(random.pick(live));
}

function liveConnections(stage: FaultStage): Connection[] {
  return stage.world.network.connections.filter(({ dialler }) => !dialler.closed && dialler.joined);
}

/** One end or both learn at once; what is in flight arrives in part. */
function reset(stage: FaultStage, random: Random): void {
  withConnection(stage, random, (connection) => {
    const which = random.below(3);
    if (which !== 0) tellEnd(stage, connection.dialler);
    if (which !== 1) tellEnd(stage, connection.listener);
  });
}

function tellEnd(stage: FaultStage, end: End): void {
  const isAble = end.joined && !end.closed && end.party.isUp && end.party.pausedUntil <= stage.world.time;
  if (isAble) end.party.ended(end, 'connection reset');
}

/** One direction or both fall silent for good; the system gives the connection up much later. */
function halfOpen(stage: FaultStage, random: Random): void {
  withConnection(stage, random, (connection) => {
    const which = random.below(3);
    if (which !== 0) connection.dialler.outward.dark = true;
    if (which !== 1) connection.listener.outward.dark = true;
    stage.coverage.saw('half-open connection');
    stage.planGiveUp(connection, duration(stage, random) * 2);
  });
}

/** One end loses a connection that the other still takes for whole: what that one writes is lost. */
function halfLost(stage: FaultStage, random: Random): void {
  withConnection(stage, random, (connection) => {
    connection.dialler.outward.dark = true;
    connection.listener.outward.dark = true;
    tellEnd(stage, random.chance(50) ? connection.dialler : connection.listener);
    stage.planGiveUp(connection, duration(stage, random) * 2);
  });
}

function closeRoutes(stage: FaultStage, random: Random, bothWays: boolean): void {
  const { nodes } = stage.swarm;
  const one = random.below(nodes);
  const other = (one + 1 + random.below(nodes - 1)) % nodes;
  const micros = duration(stage, random);
  stage.coverage.saw('partition');
  for (const [from, to] of bothWays
    ? [
        [one, other],
        [other, one],
      ]
    : [[one, other]]) {
    stage.world.network.setOpen(from!, to!, false);
    stage.planHeal(from!, to!, micros);
  }
}

function crash(stage: FaultStage, random: Random, silently: boolean): void {
  withNode(stage, random, (domus) => stage.crash(domus, silently));
}

function pause(stage: FaultStage, random: Random): void {
  withNode(stage, random, (domus) => {
    domus.pausedUntil = stage.world.time + duration(stage, random);
    stage.coverage.saw('node paused');
  });
}

/** An end does not read for a while, so that the writer's buffer fills; best where the writer has another way to take. */
function stall(stage: FaultStage, random: Random): void {
  const live = liveConnections(stage);
  if (live.length === 0) return;
  const outlets = live.flatMap(({ dialler, listener }) => [dialler, listener]).filter(hasAnotherWay);
  const { dialler, listener } = random.pick(live);
  const writer = outlets.length > 0 ? random.pick(outlets) : random.pick([dialler, listener]);
  // Half of them so long that the writer looks for that other way.
  const micros = random.chance(50) ? duration(stage, random) : random.between(1_000_000, 4_000_000);
  // A longer stall before this one goes on: its end stands on the agenda.
  writer.outward.stalledUntil = Math.max(writer.outward.stalledUntil, stage.world.time + micros);
}

/** Fresh work leaves here, and there is a second primary. */
function hasAnotherWay({ session, callis }: End): boolean {
  if (session === undefined || session.outlet !== callis) return false;
  return session.calles.filter((other) => other.phase === 'active').length > 1;
}

function changeSettings(stage: FaultStage, random: Random): void {
  withNode(stage, random, (domus) => {
    const { sendQueueBytes, maxPayloadLen } = domus.core.settings;
    domus.updateSettings(Object.assign(drawSettings(random, false), { sendQueueBytes, maxPayloadLen }));
    stage.coverage.saw('settings changed live');
  });
}

function closePeer(stage: FaultStage, random: Random): void {
  withNode(stage, random, (domus) => {
    const session = [...domus.core.peers.values()][0];
    if (session === undefined) return;
    stage.coverage.saw('peer closed gracefully');
    domus.closePeer(session.address, domus.now() + domus.core.settings.sendTimeoutMs);
  });
}

/** The driver tells the machine about a callis that has ended already: nothing may come of it. */
function lateCall(stage: FaultStage, random: Random): void {
  const ends: End[] = [];
  for (const connection of stage.world.network.connections) {
    for (const end of connection.ends)
      if (end.closed && end.callis?.phase === 'ended' && stage.domusAt(end.party.index) === end.party) ends.push(end);
  }
  if (ends.length === 0) return;
  const end = random.pick(ends);
  const which = random.below(3);
  if (which === 0) end.party.drained(end);
  else if (which === 1) end.party.ended(end, 'again');
  else end.party.bytes(end, encodeFrame({ type: 4, id: (end.session!.retained.nextId - 1) >>> 0 }));
}
