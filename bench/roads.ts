/** Where each road is found. */
import type { Plan, RoadName } from './plan.ts';
import type { Road } from './road.ts';

/** The road of a plan, loaded now: the process of a pump holds no fabric and no `ws`. */
export function roadOf(plan: Plan): Promise<Road> {
  return ROADS[plan.road]();
}

const ROADS: Readonly<Record<RoadName, () => Promise<Road>>> = {
  'ping-pong': async () => (await import('./roads/ping-pong.ts')).pingPong,
  pump: async () => (await import('./roads/pump.ts')).pump,
  'pump-promise': async () => (await import('./roads/pump.ts')).promisePump,
  'pump-awaited': async () => (await import('./roads/pump.ts')).awaitedPump,
  'pump-echo': async () => (await import('./roads/pump.ts')).echoPump,
  unary: async () => (await import('./roads/services.ts')).unaryRoad,
  items: async () => (await import('./roads/services.ts')).itemsRoad,
  grpc: async () => (await import('./roads/grpc.ts')).grpc,
  capnweb: async () => (await import('./roads/capnweb.ts')).capnweb,
  ws: async () => (await import('./roads/ws.ts')).ws,
  'ws-corked': async () => (await import('./roads/ws.ts')).wsCorked,
  'blob-ping': async () => (await import('./roads/blob-ping.ts')).blobPing,
  connect: async () => (await import('./roads/reconnect.ts')).connect,
  reconnect: async () => (await import('./roads/reconnect.ts')).reconnect,
  bulk: async () => (await import('./roads/bulk.ts')).bulk,
  blob: async () => (await import('./roads/blob.ts')).blobRoad,
  domus: async () => (await import('./roads/domus.ts')).domusRoad,
  'domus-paced': async () => (await import('./roads/domus.ts')).pacedRoad,
  'domus-unreported': async () => (await import('./roads/domus.ts')).unreportedRoad,
  'idle-raw': async () => (await import('./roads/idle-raw.ts')).idleRaw,
  'idle-domus': async () => (await import('./roads/idle-domus.ts')).idleDomus,
};
