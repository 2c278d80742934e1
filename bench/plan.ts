/**
 * What is measured: the table of all plans, one for each row of the report. The proxies (P1, P2, P3, P7) move the same
 * bytes with the least code; `ws`, grpc-js and Cap'n Web are what a user would take instead; `domus`, `blob`, `unary` and `items` are this fabric.
 */

/** The code that carries messages from the sending to the receiving process; `worker.ts` finds its module. */
export type RoadName =
  | 'ping-pong'
  | 'pump'
  | 'pump-promise'
  | 'pump-awaited'
  | 'pump-echo'
  | 'ws'
  | 'ws-corked'
  | 'domus'
  | 'domus-paced'
  | 'domus-unreported'
  | 'bulk'
  | 'blob'
  | 'blob-ping'
  | 'connect'
  | 'reconnect'
  | 'unary'
  | 'items'
  | 'grpc'
  | 'capnweb'
  | 'idle-raw'
  | 'idle-domus';

/** `tls`: mutual TLS 1.3 on loopback TCP. `unix`: a plain Unix socket (domus: after its own handshake). */
export type Link = 'tls' | 'unix';

/** One row of the report. */
export interface Plan {
  /** Short and unique: what `--only` selects, `p2p-4096` for instance. */
  readonly name: string;
  /** What the row says about itself. */
  readonly title: string;
  readonly road: RoadName;
  readonly link: Link;
  /** `rate`: messages a second, and the round trip where depth is 1. `idle`: what a silent peer costs the receiver. */
  readonly kind: 'rate' | 'idle';
  /** Unanswered messages that the sender keeps, 1 is sequential; or blob streams at once. 0 for idle and bulk plans and streams of items. */
  readonly depth: number;
  /** Bytes of a message without its header; acks have none. */
  readonly payloadBytes: number;
  /** Peers that connect to the receiver. */
  readonly peers: number;
  /** The numbers that blob streams propose; the default of their transport where absent. */
  readonly window?: { readonly chunkSize: number; readonly ackWindow: number };
}

/** Peers of the idle plans: enough that what the process costs by itself disappears. */
export const IDLE_PEERS = 1_000;

/** All plans, in the order in which each round runs them: what is compared stands close together. */
export const PLANS: readonly Plan[] = [
  rate('p1t', 'P1t raw TLS ping-pong', 'ping-pong', 'tls', 1),
  rate('ws-1', 'ws, own ack', 'ws', 'tls', 1),
  rate('domus-tls-1', 'domus, TCP', 'domus', 'tls', 1),
  rate('p1u', 'P1u raw Unix-socket ping-pong', 'ping-pong', 'unix', 1),
  rate('domus-unix-1', 'domus, Unix socket', 'domus', 'unix', 1),
  ...[128, 4096].flatMap((depth) => [
    rate(`p2-${depth}`, 'P2 TLS frame pump', 'pump', 'tls', depth),
    rate(`p2p-${depth}`, 'P2p: P2 + a promise per message', 'pump-promise', 'tls', depth),
    rate(`p2a-${depth}`, 'P2a: P2p, each promise awaited', 'pump-awaited', 'tls', depth),
    rate(`ws-${depth}`, 'ws, own ack', 'ws', 'tls', depth),
    rate(`wsc-${depth}`, 'ws, own ack, socket corked', 'ws-corked', 'tls', depth),
    rate(`domus-tls-${depth}`, 'domus, TCP', 'domus', 'tls', depth),
    rate(`paced-tls-${depth}`, 'domus, TCP, 1 send in 16 awaited', 'domus-paced', 'tls', depth),
    rate(`p3-${depth}`, 'P3 Unix-socket frame pump', 'pump', 'unix', depth),
    rate(`p3p-${depth}`, 'P3p: P3 + a promise per message', 'pump-promise', 'unix', depth),
    rate(`p3a-${depth}`, 'P3a: P3p, each promise awaited', 'pump-awaited', 'unix', depth),
    rate(`domus-unix-${depth}`, 'domus, Unix socket', 'domus', 'unix', depth),
    rate(`paced-unix-${depth}`, 'domus, Unix socket, 1 send in 16 awaited', 'domus-paced', 'unix', depth),
    rate(`unreported-${depth}`, 'domus, Unix socket, without reporting', 'domus-unreported', 'unix', depth),
  ]),
  rate('p2-1b', 'P2 TLS frame pump', 'pump', 'tls', 128, 1),
  rate('p2-1k', 'P2 TLS frame pump', 'pump', 'tls', 128, 1_024),
  rate('domus-1k', 'domus, TCP', 'domus', 'tls', 128, 1_024),
  rate('p2-16k', 'P2 TLS frame pump', 'pump', 'tls', 128, 16_384),
  rate('domus-16k', 'domus, TCP', 'domus', 'tls', 128, 16_384),
  rate('p4', 'P4 raw TLS bulk', 'bulk', 'tls', 0, 65_536),
  rate('blob-tls', 'blob, TCP', 'blob', 'tls', 1, 65_536),
  rate('blob-tls-64', '64 blobs at once, TCP', 'blob', 'tls', 64, 65_536),
  small('blob-tls-1200', 'blob, TCP, 1200 B × 1024', 1_200, 1_024),
  rate('blob-ping', 'domus, TCP, beside 8 blobs', 'blob-ping', 'tls', 1),
  rate('connect', 'cut and one message, TCP', 'connect', 'tls', 1),
  rate('reconnect', 'cut and 128 messages, TCP', 'reconnect', 'tls', 1),
  rate('p5', 'P5 raw Unix-socket bulk', 'bulk', 'unix', 0, 131_072),
  rate('blob-unix', 'blob, Unix socket', 'blob', 'unix', 1, 131_072),
  rate('p2e-128', 'P2e: P2p answered in full', 'pump-echo', 'tls', 128),
  rate('unary-tls-128', 'unary call, TCP', 'unary', 'tls', 128),
  rate('capnweb-128', "Cap'n Web on wss", 'capnweb', 'tls', 128),
  rate('grpc-128', 'grpc-js unary', 'grpc', 'tls', 128),
  rate('unary-tls-1', 'unary call, TCP', 'unary', 'tls', 1),
  rate('grpc-1', 'grpc-js unary', 'grpc', 'tls', 1),
  rate('capnweb-1', "Cap'n Web on wss", 'capnweb', 'tls', 1),
  rate('unary-unix-1', 'unary call, Unix socket', 'unary', 'unix', 1),
  rate('items-tls', 'stream of items, TCP', 'items', 'tls', 0),
  rate('p3e-128', 'P3e: P3p answered in full', 'pump-echo', 'unix', 128),
  rate('unary-unix-128', 'unary call, Unix socket', 'unary', 'unix', 128),
  rate('items-unix', 'stream of items, Unix socket', 'items', 'unix', 0),
  idle('p7', 'P7 idle bare TLS socket', 'idle-raw'),
  idle('idle-domus', 'idle peer of a domus, TCP', 'idle-domus'),
];

/** What `--only` also takes: rows of several families that say something together. */
export const GROUPS: Readonly<Record<string, readonly string[]>> = {
  /** Calls, with what they are held against. */
  services: [
    ...['p1t', 'unary-tls-1', 'grpc-1', 'p1u', 'unary-unix-1'],
    ...['p2e-128', 'unary-tls-128', 'capnweb-128', 'domus-tls-128', 'items-tls'],
    ...['p3e-128', 'unary-unix-128', 'domus-unix-128', 'items-unix'],
  ],
};

/** The plans that `--only` names: by full name, by the part in front of a dash (`p2p` is `p2p-128` and `p2p-4096`), or as a group. */
export function selectPlans(only: readonly string[]): readonly Plan[] {
  for (const wanted of only) {
    if (!PLANS.some((plan) => isNamed(plan, wanted))) {
      const known = [...Object.keys(GROUPS), ...PLANS.map((plan) => plan.name)];
      throw new Error(`--only ${wanted}: no such scenario; known: ${known.join(', ')}`);
    }
  }
  return PLANS.filter((plan) => only.some((wanted) => isNamed(plan, wanted)));
}

function isNamed(plan: Plan, wanted: string): boolean {
  return plan.name === wanted || plan.name.startsWith(`${wanted}-`) || GROUPS[wanted]?.includes(plan.name) === true;
}

function rate(name: string, title: string, road: RoadName, link: Link, depth: number, payloadBytes = 64): Plan {
  return { name, title, road, link, kind: 'rate', depth, payloadBytes, peers: 1 };
}

function small(name: string, title: string, chunkSize: number, ackWindow: number): Plan {
  return { ...rate(name, title, 'blob', 'tls', 1, 65_536), window: { chunkSize, ackWindow } };
}

function idle(name: string, title: string, road: RoadName): Plan {
  return { name, title, road, link: 'tls', kind: 'idle', depth: 0, payloadBytes: 0, peers: IDLE_PEERS };
}
