/**
 * A domus that speaks the messages of procedures by hand, as a peer of another make, or a hostile one, may do. It writes and
 * reads them with cborg, which shares no code with what is tested.
 */

import type { Domus } from '@flaminia/domus';
import type { DomusAddr } from '@flaminia/transport-a0';
import { decodeFirst, encode } from 'cborg';
import type { PortRequest, SendFailure, TabernaKey } from '../../src/port.ts';
import { CALL } from '../../src/procedures/core/wire.ts';

/** A message that has come in, taken apart. */
export interface RawMessage {
  readonly type: number;
  readonly from: DomusAddr;
  readonly head: readonly unknown[];
  /** What stands behind the head; undefined where nothing does. */
  readonly item: unknown;
  readonly bytes: Uint8Array;
}

/** What A1 said to a message. */
export type Fate = 'taken' | SendFailure;

export const REPLY: TabernaKey = { idHi: 1, idLo: 2 };
export const REPLY_BYTES: Uint8Array = Uint8Array.of(0, 0, 0, 1, 0, 0, 0, 2);

/** The payload of a message: its head, and what may stand behind it. */
export function raw(head: readonly unknown[], ...items: readonly unknown[]): Uint8Array {
  return Buffer.concat([head, ...items].map((each) => encode(each)));
}

/** What a payload holds: the items of its sequence. */
export function sequenceOf(payload: Uint8Array): unknown[] {
  const items: unknown[] = [];
  for (let rest = payload; rest.length > 0; ) {
    const [item, behind] = decodeFirst(rest) as [unknown, Uint8Array];
    items.push(item);
    rest = behind;
  }
  return items;
}

/** Fields of a call that a test changes; the others are those of a plain unary call. */
export interface RawCall {
  readonly id?: unknown;
  readonly name?: unknown;
  readonly kind?: unknown;
  readonly remaining?: unknown;
  readonly reply?: unknown;
  readonly credit?: unknown;
  readonly metadata?: unknown;
}

export class RawPeer {
  readonly domus: Domus;
  /** What has come to its tabernae, in order. */
  readonly received: RawMessage[] = [];
  /** What it does with a message: take it, refuse it with a text, or never say anything. */
  decide: (request: PortRequest) => 'take' | 'hold' | { readonly refuse: string } = () => 'take';

  constructor(domus: Domus, taberna: TabernaKey = REPLY) {
    this.domus = domus;
    domus.port.register(taberna, (request) => this.receive(request));
  }

  /** Sends a message; resolves with what A1 said. */
  send(to: Domus, taberna: TabernaKey, type: number, payload: Uint8Array): Promise<Fate> {
    const deadline = this.domus.port.now() + 30_000;
    return new Promise((resolve) => {
      this.domus.port.send(
        { to: to.address, tier: 'a3', taberna, type, payload, deadline, wait: true },
        { accepted: () => resolve('taken'), failed: resolve },
      );
    });
  }

  /** Sends a call, whose input is the item. */
  call(to: Domus, taberna: TabernaKey, fields: RawCall, ...items: readonly unknown[]): Promise<Fate> {
    return this.send(to, taberna, CALL, raw(callHead(fields), ...items));
  }

  /** What came of one type. */
  of(type: number): RawMessage[] {
    return this.received.filter((each) => each.type === type);
  }

  private receive(request: PortRequest): void {
    const bytes = new Uint8Array(request.payload);
    const [head, item] = sequenceOf(bytes);
    const { type, from } = request;
    this.received.push({ type, from, head: head as readonly unknown[], item, bytes });
    const decision = this.decide(request);
    if (decision === 'take') request.accept();
    else if (decision !== 'hold') request.reject(decision.refuse);
  }
}

/** The head of a call. */
export function callHead(fields: RawCall = {}): unknown[] {
  const {
    id = 7,
    name = 'sums/v1/add',
    kind = 0,
    remaining = null,
    reply = REPLY_BYTES,
    credit = 0,
    metadata = null,
  } = fields;
  return [id, name, kind, remaining, reply, credit, metadata];
}

/** The taberna that a call names for its answers. */
export function keyOf(reply: Uint8Array): TabernaKey {
  const bytes = Buffer.from(reply);
  return { idHi: bytes.readUInt32BE(0), idLo: bytes.readUInt32BE(4) };
}
