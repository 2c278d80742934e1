/** One node that runs on the simulated clock, among others that do not: the test answers for them. */
import assert from 'node:assert/strict';
import { MESSAGE } from '../../src/topology/core/message-types.ts';
import { encodeFact, encodeGossip, encodeNumber, type Fact } from '../../src/topology/core/messages.ts';
import type { Failure } from '../../src/topology/core/outbox.ts';
import type { NodeRecord } from '../../src/topology/core/record.ts';
import { encodeBody, encodeRecord, SIGNED_PREFIX } from '../../src/topology/core/record-codec.ts';
import type { TopologySettings } from '../../src/topology/core/settings.ts';
import { fakeSigner } from './fake-signing.ts';
import { SimNetwork } from './sim-network.ts';
import type { SimNode } from './sim-node.ts';

/** A message that the node has sent. */
export interface Sent {
  readonly to: string;
  readonly type: number;
  readonly payload: Uint8Array;
  readonly deadline: number;
  readonly at: number;
  /** The receiver took it. */
  accept(): void;
  fail(failure: Failure, text?: string): void;
}

export interface Scripted {
  readonly network: SimNetwork;
  /** The only node that runs. */
  readonly node: SimNode;
  /** Those whose records it holds. */
  readonly others: readonly SimNode[];
  readonly sent: Sent[];
  /** What becomes of each message; by default it is accepted a millisecond later. */
  onSent: (message: Sent) => void;
  /** What it has sent of one type, to one address or to any. */
  of(type: number, to?: string): Sent[];
  /** The node gets a message; what it rejects it with, if it does. */
  tell(from: SimNode, type: number, payload: Uint8Array): string | undefined;
  gossip(from: SimNode, ...facts: Fact[]): string | undefined;
  /** Another becomes a link; `degree`: the number of links that it says it has. */
  link(from: SimNode, degree?: number): string | undefined;
}

export interface ScriptedOptions {
  readonly others?: number;
  readonly settings?: Partial<TopologySettings>;
  readonly seed?: number;
}

/** The node is not started yet. */
export function scripted({ others: count = 0, settings = {}, seed = 1 }: ScriptedOptions = {}): Scripted {
  const network = new SimNetwork({ seed, settings });
  const [node, ...others] = Array.from({ length: count + 1 }, (_, index) => network.add(index));
  assert.ok(node !== undefined);
  for (const other of others) node.core.membership.table.put(other.core.membership.own, 0);
  const script: Scripted = {
    network,
    node,
    others,
    sent: [],
    onSent: (message) => network.at(network.now + 1, () => message.accept()),
    of: (type, to) => script.sent.filter((message) => message.type === type && message.to === (to ?? message.to)),
    tell: (from, type, payload) => {
      const rejection = node.core.received(from.address, type, payload, network.now);
      node.plan();
      return rejection;
    },
    gossip: (from, ...facts) => script.tell(from, MESSAGE.gossip, encodeGossip(1, 0, 0, facts.map(encodeFact))),
    link: (from, degree = 0) => script.tell(from, MESSAGE.link, encodeNumber(degree)),
  };
  node.send = (to, type, payload, deadline, token) => {
    const accept = (): void => node.answered(token, { kind: 'accepted' });
    const fail = (failure: Failure, text = ''): void => node.failed(token, failure, text);
    const message = { to, type, payload: payload.slice(), deadline, at: network.now, accept, fail };
    script.sent.push(message);
    script.onSent(message);
  };
  return script;
}

/** What A1 says of a message to a peer that is gone, when it says it. */
export function unreachable({ network }: Scripted): (message: Sent) => void {
  return (message) => network.at(message.deadline, () => message.fail('unreachable'));
}

/** A record of a node with changes, signed by it. */
export function recordOf(of: SimNode, change: Partial<NodeRecord> = {}): Uint8Array {
  const body = encodeBody({ ...of.core.membership.own.record, ...change });
  return encodeRecord(body, fakeSigner(of.own).sign(new Uint8Array([...SIGNED_PREFIX, ...body])), []);
}

/** The node of a record lives. */
export function living(bytes: Uint8Array): Fact {
  return { kind: 'record', bytes, claimer: undefined, ageMs: 0 };
}

/** The node of a record has been dead for so long. */
export function dead(bytes: Uint8Array, ageMs: number, claimer = 'somebody'): Fact {
  return { kind: 'record', bytes, claimer, ageMs };
}
