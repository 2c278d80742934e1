/**
 * `topology`: messages of the topology (docs/protocol/topology.md) to a node of it: what peers say, what becomes of the node's own
 * messages, and how time passes. Records are unsigned: who forges one is for the verifier, which `san` fuzzes beneath.
 */
import { unsignedRecords } from '@flaminia/services-a2/internal';
import {
  encodeBody,
  encodeRecord,
  MESSAGE,
  REJECTED,
  startedTopology,
  TOPOLOGY_TABERNA,
  type Topology,
  topologyMessages,
} from '@flaminia/services-a2/testing';
import type { DomusAddr } from '@flaminia/transport-a0';
import { Broken } from '../broken.ts';
import { happening, happenings, happeningsLayout } from '../message-list.ts';
import { concat } from '../mutations.ts';
import { type Decision, PEER, ScriptedPort } from '../scripted-port.ts';
import type { FuzzTarget, Outcome } from '../target.ts';

const { encodeCompare, encodeDifferences, encodeExchange, encodeFact, encodeGossip, encodeInfo, encodeListing } =
  topologyMessages;
const { encodeNumber, encodeProbeRequest, encodeProbeResult } = topologyMessages;

const TYPES = Object.values(MESSAGE);
const FATE = TYPES.length;
const TIME = FATE + 1;
const SESSION = TIME + 1;
const KINDS = SESSION + 1;
const NOTHING = new Uint8Array(0);
const WALL_MS = Date.UTC(2026, 0, 1);
const REJECTIONS: ReadonlySet<string> = new Set(Object.values(REJECTED));
/** One message may bring a few others, to links and to whoever is asked; none may bring a flood. */
const MOST_SENT_FOR_ONE = 64;
const TICK_MS = 100;

/** A node, and what must hold of it whatever it is told. */
class Node {
  readonly port = new ScriptedPort();
  private readonly topology: Topology;
  private readonly stop: () => void;

  constructor() {
    const options = {
      port: this.port,
      ...unsignedRecords,
      node: { services: ['prices/v1'], metadata: { zone: 'eu' } },
      wallNow: () => WALL_MS + this.port.now(),
    };
    const { topology, stop } = startedTopology(options, [PEER]);
    this.topology = topology;
    this.stop = stop;
  }

  happen(kind: number, bytes: Uint8Array): Decision | undefined {
    if (kind < FATE) return this.port.deliver(TOPOLOGY_TABERNA, TYPES[kind]!, bytes);
    const number = bytes[0] ?? 0;
    if (kind === FATE) this.port.decideOldest(number % 5);
    else if (kind === TIME) this.port.pass(number * TICK_MS);
    else this.port.happen({ kind: (['lost', 'ended'] as const)[number % 2]!, address: PEER });
    return undefined;
  }

  /** A node is always in its own view, and says of itself what it always has; every other one was told. */
  check(): void {
    const own = this.topology.node('self');
    if (own?.isSelf !== true || own.metadata.zone !== 'eu' || own.left) throw new Broken('a node has lost itself');
    if (own.services.join() !== 'prices/v1') throw new Broken('a node offers what it never said');
    const ids = this.topology.nodes().map(({ nodeId }) => nodeId);
    if (new Set(ids).size !== ids.length) throw new Broken('a node is listed twice');
    if (this.topology.links.length > 32) throw new Broken('a node has links without end');
  }

  get nodes(): number {
    return this.topology.nodes().length;
  }

  /** Ends it; nothing may be left. */
  close(): void {
    this.stop();
    if (this.port.timersLeft > 0) throw new Broken('a timer is left');
  }
}

export const topology: FuzzTarget = {
  name: 'topology',
  maxBytes: 2048,
  words: [Buffer.from('self'), Buffer.from('peer'), Buffer.from('prices/v1'), Uint8Array.of(0x1b, 0, 0x1f, 0xff)],
  parts: messages(),
  unitsAreFree: true,
  seeds: () => [
    concat(...messages().slice(0, 4)),
    concat(...messages().slice(3)),
    concat(messages()[1]!, happening(FATE, Uint8Array.of(0)), happening(TIME, Uint8Array.of(20)), messages()[0]!),
    ...messages(),
  ],
  layout: happeningsLayout,
  run,
};

function run(input: Uint8Array): Outcome {
  const node = new Node();
  const features = new Set<string>();
  let verdict = 'nothing happened';
  for (const { kind, bytes } of happenings(input)) {
    const before = node.port.sent.length;
    const decision = node.happen(kind % KINDS, bytes);
    node.check();
    if (decision === 'open') throw new Broken('a message is left undecided');
    const sent = node.port.sent.slice(before);
    if (decision !== undefined && sent.length > MOST_SENT_FOR_ONE) throw new Broken(`${sent.length} messages for one`);
    const told = toldOf(decision);
    verdict = `${TYPES[kind % KINDS] === undefined ? 'a happening' : 'a message'} ${told}`;
    const types = new Set(sent.map(({ type }) => type & 0xff));
    features.add(`${kind % KINDS} ${told} ${[...types]} ${node.nodes}`);
  }
  node.close();
  return { verdict, features: [...features] };
}

function toldOf(decision: Decision | undefined): string {
  if (decision === undefined) return 'passes';
  if (typeof decision === 'string') return decision;
  if (!REJECTIONS.has(decision.rejected)) throw new Broken(`rejected with ${decision.rejected}`);
  return decision.rejected;
}

/** One of each type, some of them of several kinds. */
function messages(): Uint8Array[] {
  const record = recordOf('peer', PEER, WALL_MS);
  const about = { key: '0123456789abcdef', incarnation: WALL_MS, stampHi: 1, stampLo: 2 };
  const facts = [
    encodeFact({ kind: 'record', bytes: record, claimer: undefined, ageMs: 0 }),
    encodeFact({ kind: 'record', bytes: recordOf('third', 'tcp://127.0.0.1:3', 5), claimer: 'peer', ageMs: 4_000 }),
    encodeFact({ kind: 'suspect', about, claimer: 'peer' }),
    encodeFact({ kind: 'dead', about, claimer: 'peer', ageMs: 1_000 }),
  ];
  const bodies: Readonly<Record<keyof typeof MESSAGE, Uint8Array>> = {
    gossip: encodeGossip(3, 1, 2, facts),
    link: encodeNumber(3),
    unlink: NOTHING,
    compare: encodeCompare(7, new Uint32Array(topologyMessages.BUCKETS)),
    differences: encodeDifferences(7, [encodeListing({ bucket: 1, names: [about] })]),
    exchange: encodeExchange({ token: 7, isAnswer: false, served: 0 }, facts, [about.key]),
    probe: NOTHING,
    probeRequest: encodeProbeRequest(7, 'tcp://127.0.0.1:3'),
    probeResult: encodeProbeResult(7, true),
    infoRequest: encodeNumber(7),
    info: encodeInfo(7, record),
  };
  const kinds = Object.keys(MESSAGE) as (keyof typeof MESSAGE)[];
  return [
    happening(kinds.indexOf('link'), bodies.link),
    ...kinds.map((kind, index) => happening(index, bodies[kind])),
    happening(0, encodeGossip(0, 0, 0, [])),
    happening(kinds.indexOf('exchange'), encodeExchange({ token: 7, isAnswer: true, served: 1 }, facts, [])),
    happening(FATE, Uint8Array.of(0)),
    happening(FATE, Uint8Array.of(2)),
    happening(TIME, Uint8Array.of(20)),
    happening(SESSION, Uint8Array.of(1)),
  ];
}

function recordOf(nodeId: string, address: DomusAddr, incarnation: number): Uint8Array {
  const body = encodeBody({
    nodeId,
    nodeType: null,
    address,
    incarnation,
    left: false,
    health: 'healthy',
    services: ['orders/v1'],
    tabernae: [{ id: '00000000000000ff', name: 'inbox' }],
    metadata: { a: 'b' },
  });
  return encodeRecord(body, NOTHING, []);
}
