/**
 * What one seed is like: each draws first which faults there are and how often, how large everything is and how slow
 * (swarm testing: a run with few kinds of faults goes deeper than one with all). Pure: numbers out of a random source.
 *
 * All swarms, settings and routes of a process have one shape, or the machine would look up by name what it reads all the time.
 * So what a seed changes is assigned, and not put together anew.
 */
import type { DeliverySettings } from '@flaminia/delivery-a1/internal';
import type { Route } from './network.ts';
import type { Random } from './random.ts';

/** Kinds of faults, each with its weight among the others; 0 is off. */
export interface FaultWeights {
  reset: number;
  halfOpen: number;
  halfLost: number;
  partition: number;
  oneWay: number;
  crash: number;
  silentCrash: number;
  pause: number;
  stall: number;
  settings: number;
  closePeer: number;
  shutdown: number;
  taberna: number;
  lateCall: number;
}

/** What a seed is about: everything at once, a few long streams, peers that come back often, or writes that do not drain. */
export type Focus = 'all' | 'streams' | 'restarts' | 'stalls';

/** How a seed ends. */
export type Ending = 'shutdown amid faults' | 'calm';

export interface Swarm {
  readonly nodes: number;
  readonly focus: Focus;
  readonly settings: DeliverySettings;
  readonly route: Route;
  readonly faults: FaultWeights;
  /** Microseconds between two faults, at most; 0: there are none. */
  readonly faultEvery: number;
  /** The longest time for which a node that has crashed is gone, in microseconds. */
  readonly downtime: number;
  readonly a0Failure: number;
  readonly nudges: boolean;
  readonly poisons: boolean;
  /** Message ids begin so close to 2^32 that they wrap. */
  readonly wraps: boolean;
  /** Message ids begin at the same number in each life of a node, so that those of an old life come again. */
  readonly repeatsIds: boolean;
  readonly ending: Ending;
  /** Microseconds between two rounds of sends of a node, at most. */
  readonly sendEvery: number;
  readonly burstMost: number;
  readonly payloadMost: number;
  /** Of a hundred sends, so many open a stream; 0 in half of the seeds. */
  readonly blobs: number;
  /** Streams of one node that are under way at once, and now and then one more. */
  readonly streams: number;
  /** The longest stream, in bytes. */
  readonly streamMost: number;
  /** Of a hundred sends, so many go to tabernae that do not answer properly. */
  readonly unfriendly: number;
  /** The longest time that a slow handler takes to decide, in microseconds. */
  readonly decideWithin: number;
  /** Clocks of the nodes differ by a tenth at most. */
  readonly clocksDiffer: boolean;
}

const NO_FAULTS: FaultWeights = {
  reset: 0,
  halfOpen: 0,
  halfLost: 0,
  partition: 0,
  oneWay: 0,
  crash: 0,
  silentCrash: 0,
  pause: 0,
  stall: 0,
  settings: 0,
  closePeer: 0,
  shutdown: 0,
  taberna: 0,
  lateCall: 0,
};

/** Draws a swarm. One seed in ten has no fault at all; one in ten is a storm that becomes calm. */
export function drawSwarm(random: Random): Swarm {
  const kind = random.below(10);
  const isFaultless = kind === 0;
  const settings = drawSettings(random, isFaultless);
  const route = drawRoute(random, isFaultless);
  const swarm = drawAll(random, kind, settings, route);
  if (isFaultless || swarm.focus === 'all') return swarm;
  if (swarm.focus === 'streams') return onStreams(swarm, random);
  return swarm.focus === 'restarts' ? onRestarts(swarm, random) : onStalls(swarm, random);
}

/** Few messages, many chunks, and connections that break in the middle of them. */
function onStreams(swarm: Swarm, random: Random): Swarm {
  const { faults, settings, route } = swarm;
  return Object.assign(swarm, {
    settings: Object.assign(settings, {
      sendTimeoutMs: random.pick([200, 1000, 5000]),
      maxParallelCallisPerPeer: 8,
      blobInboundBufferBytes: 1e6,
      blobOutboundBufferBytes: 1e6,
    }),
    faults: { ...faults, reset: 30, halfLost: random.pick([0, 10, 30]), crash: 0, silentCrash: 0, shutdown: 0 },
    // Losses come about as often as answers.
    faultEvery: route.latencyMost * random.between(4, 60),
    a0Failure: 0,
    ending: random.chance(60) ? 'calm' : swarm.ending,
    sendEvery: random.skewed(1000, 100_000),
    burstMost: 1,
    payloadMost: 100,
    route: Object.assign(route, { capacity: random.pick([100, route.capacity]) }),
    blobs: 90,
    streams: 3,
    streamMost: Math.min(random.pick([20, 500, 5000]), settings.blobChunkBytes * 200),
    unfriendly: 0,
    decideWithin: random.skewed(1, 20_000),
  });
}

/** Lives that are short beside the time for which a peer is remembered. */
function onRestarts(swarm: Swarm, random: Random): Swarm {
  const { faults, settings, route } = swarm;
  return Object.assign(swarm, {
    settings: Object.assign(settings, {
      sendTimeoutMs: 5000,
      listenerReconnectTimeoutMs: random.pick([0, 50, 20_000]),
    }),
    faults: { ...faults, reset: 30, crash: 20, silentCrash: 20, shutdown: 0, closePeer: 0 },
    // In half of them answers to hellos are lost as often as not.
    faultEvery: random.chance(50) ? route.latencyMost * random.between(4, 60) : random.skewed(500, 50_000),
    burstMost: random.pick([1, 8]),
    downtime: random.skewed(100, 200_000),
  });
}

/** Readers that stop, and buffers that fill at once. */
function onStalls(swarm: Swarm, random: Random): Swarm {
  const { faults, settings, route } = swarm;
  return Object.assign(swarm, {
    settings: Object.assign(settings, { sendTimeoutMs: random.pick([200, 1000, 3000]), keepaliveIntervalMs: 100 }),
    route: Object.assign(route, { capacity: 100 }),
    faults: { ...faults, stall: 30, halfOpen: 10, crash: 0, silentCrash: 0, shutdown: 0 },
    faultEvery: random.skewed(5000, 500_000),
    sendEvery: random.skewed(5000, 100_000),
    burstMost: random.pick([1, 8]),
  });
}

/** A swarm about everything. */
function drawAll(random: Random, kind: number, settings: DeliverySettings, route: Route): Swarm {
  const isFaultless = kind === 0;
  return {
    focus: random.pick(['all', 'all', 'all', 'all', 'streams', 'streams', 'restarts', 'restarts', 'stalls']),
    downtime: settings.sendTimeoutMs * 1500,
    nodes: random.pick([2, 2, 2, 2, 3, 3, 4]),
    settings,
    route,
    faults: isFaultless ? NO_FAULTS : drawFaults(random),
    faultEvery: isFaultless ? 0 : random.skewed(20, settings.sendTimeoutMs) * 2000,
    a0Failure: isFaultless ? 0 : random.pick([0, 0, 5, 30]),
    nudges: random.chance(50),
    poisons: random.chance(30),
    wraps: random.chance(20),
    repeatsIds: random.chance(20),
    ending: kind === 0 || kind === 1 ? 'calm' : 'shutdown amid faults',
    sendEvery: random.skewed(20, 50_000),
    burstMost: random.pick([1, 2, 8, 40, 200]),
    // Each piece is an event: in small pieces a large payload would be the whole run.
    payloadMost: Math.min(random.pick([0, 100, 100, 5000, 70_000]), route.pieceMost * 50),
    blobs: random.pick([0, 0, 5, 20, 60]),
    streams: random.pick([1, 3, 20]),
    streamMost: Math.min(random.pick([100, 5000, 50_000]), route.pieceMost * 50, settings.blobChunkBytes * 200),
    unfriendly: random.pick([0, 10, 10, 60]),
    decideWithin: random.skewed(1, 2_000_000),
    clocksDiffer: random.chance(30),
  };
}

/** Settings for one node, of the same scale as those of the swarm. */
export function drawSettings(random: Random, isFaultless: boolean): DeliverySettings {
  const sendTimeoutMs = isFaultless ? 30_000 : random.pick([200, 1000, 1000, 5000, 30_000]);
  const part = (least: number): number => random.between(Math.ceil(sendTimeoutMs / least), sendTimeoutMs);
  return {
    sendQueueSize: random.pick([1, 2, 8, 128, 128, 4096]),
    sendQueueBytes: random.pick([1, 10_000, 64 * 1024 * 1024]),
    sendTimeoutMs,
    callisConnectTimeoutMs: isFaultless ? 15_000 : part(10),
    acceptTimeoutMs: part(20),
    tabernaAcceptQueueSize: random.pick([1, 8, 1024]),
    tabernaAcceptQueueBytes: random.pick([1, 10_000, 64 * 1024 * 1024]),
    keepaliveIntervalMs: random.pick([0, sendTimeoutMs / 50, sendTimeoutMs / 4, 15_000]),
    listenerDelayMs: random.pick([0, 0, 0, 20]),
    listenerReconnectTimeoutMs: random.pick([0, 50, 20_000]),
    reconnectBackoffMs: random.pick([
      [1, 2, 4],
      [10, 50],
      [20, 40, 80],
    ]),
    inboundHandshakeLimitPerPeer: random.pick([1, 3]),
    maxParallelCallisPerPeer: random.pick([1, 2, 2, 3, 8, 8]),
    maxPayloadLen: isFaultless ? 8 * 1024 * 1024 : random.pick([4000, 8 * 1024 * 1024, 8 * 1024 * 1024]),
    ...drawBlobSettings(random),
    blobProofMs: 20,
    nudge: true,
  };
}

/** The buffers hold one window at least. */
function drawBlobSettings(random: Random): {
  readonly blobChunkBytes: number;
  readonly blobWindow: number;
  readonly blobOutboundBufferBytes: number;
  readonly blobInboundBufferBytes: number;
  readonly blobPiecesFromBytes: number;
  readonly blobWaitingBytes: number;
} {
  const blobChunkBytes = random.pick([1, 10, 100, 1000, 5000]);
  const blobWindow = random.pick([1, 2, 3, 8, 64]);
  const least = blobChunkBytes * blobWindow;
  return {
    blobChunkBytes,
    blobWindow,
    blobOutboundBufferBytes: least * random.pick([1, 10, 100, 100, 100]),
    blobInboundBufferBytes: least * random.pick([1, 10, 100, 100, 100]),
    // Both ways to keep chunks, with every size of chunks.
    blobPiecesFromBytes: blobWindow % 2 === 0 ? Number.POSITIVE_INFINITY : 1,
    // Little, so that streams stand in line, or more than all of them have.
    blobWaitingBytes: blobWindow < 64 ? 1 : 384 * 1024,
  };
}

function drawRoute(random: Random, isFaultless: boolean): Route {
  const latencyLeast = random.skewed(10, 5000);
  return {
    latencyLeast,
    latencyMost: latencyLeast * random.pick([1, 1, 2, 20]),
    bandwidth: random.pick([1, 20, 1000]),
    pieceLeast: 1,
    pieceMost: random.pick([1, 100, 5000, 65_536, 65_536]),
    capacity: isFaultless ? 256 * 1024 : random.pick([100, 5000, 256 * 1024]),
    open: true,
  };
}

function drawFaults(random: Random): FaultWeights {
  const faults = { ...NO_FAULTS };
  for (const kind of Object.keys(faults) as (keyof FaultWeights)[])
    faults[kind] = random.chance(40) ? random.between(1, 10) : 0;
  faults.reset = random.chance(80) ? random.between(1, 30) : faults.reset;
  return faults;
}
