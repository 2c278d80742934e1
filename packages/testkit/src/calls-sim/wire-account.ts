/**
 * Watches the messages of calls as they are sent and as they come, by the rules of docs/protocol/procedures.md.
 *
 * 5. Items messages of a direction count up from 0, none stands behind an end, and an item is added only where credit is left; a
 *    receiver gives no more credit than its window and what its program has taken.
 * 7. When a session has ended, calls that the peer had taken fail at once, and handlers that run for it are aborted.
 * 8. Behind its end a side says nothing more of a call but that end again.
 */
import type { SendFailure } from '@flaminia/delivery-a1/internal';
import {
  decodeCbor,
  encodeCbor,
  type PeerEvent,
  type PortMessage,
  type TabernaKey,
} from '@flaminia/services-a2/internal';
import { ANSWER, CALL, CANCEL, CREDIT, END, FAILURE, HeadReader, ITEMS } from '@flaminia/services-a2/testing';
import type { DomusAddr } from '@flaminia/transport-a0';
import type { CallRecord, Ledger } from './ledger.ts';
import type { Onlooker } from './virtual-delivery.ts';
import type { VirtualPort } from './virtual-port.ts';
import { Work } from './work-service.ts';

const FIRST_INPUT_CREDIT = 65_536;
const UNDER_WAY_MAX_BYTES = 1024 * 1024;

/** One direction of a stream. */
interface Flow {
  readonly window: number;
  /** Credit that has come to the sender, and what it has spent. */
  granted: number;
  spent: number;
  sequence: number;
  isEnded: boolean;
  underWay: number;
  /** Credit that the receiver has given, and what has come to it: items and bytes of each message. */
  given: number;
  readonly come: { readonly items: number; readonly bytes: number }[];
}

/** A call on one provider. */
interface Attempt {
  readonly call: CallRecord;
  readonly outputs: Flow;
  readonly inputs: Flow;
  isTaken: boolean;
  isCancelled: boolean;
  /** The callee knows of the cancel. */
  isCancelKnown: boolean;
  /** The callee has said its end. */
  hasEnd: boolean;
}

const reader = new HeadReader();

export class WireAccount implements Onlooker {
  private readonly ledger: Ledger;
  private readonly ofCallers = new Map<string, Attempt>();
  private readonly ofReplies = new Map<string, Attempt>();

  constructor(ledger: Ledger) {
    this.ledger = ledger;
  }

  sent(from: VirtualPort, message: PortMessage): void {
    const { type, payload, taberna } = message;
    const isCaller = isOfService(taberna);
    if (type === CALL) this.called(from, message);
    const attempt = this.find(from, message);
    this.ledger.note(
      10,
      type & 0xff,
      payload.length,
      () => `life ${from.life} to ${message.to}: ${shown(message, attempt)}`,
    );
    if (type === CALL) return;
    if (attempt === undefined) return;
    const number = numberOf(message);
    if (isCaller) this.callerSays(attempt, type);
    else this.calleeSays(attempt, type);
    const flow = isCaller ? attempt.inputs : attempt.outputs;
    if (type === ITEMS) this.itemsSent(attempt, flow, number, payload);
    else if (type === END) {
      if (number !== flow.sequence || flow.isEnded)
        this.ledger.broken(5, `the end of a stream of call ${idOf(attempt)} is wrong`);
      flow.isEnded = true;
    } else if (type === CREDIT) this.credited(attempt, isCaller ? attempt.outputs : attempt.inputs, number, isCaller);
  }

  came(to: VirtualPort, from: DomusAddr, message: PortMessage): void {
    const { type, taberna, payload } = message;
    if (type !== CREDIT && type !== ITEMS && type !== CANCEL) return;
    const isCaller = isOfService(taberna);
    const attempt = isCaller ? this.attemptTo(message, to, from) : this.find({ address: from }, message);
    if (attempt === undefined) return;
    const number = numberOf(message);
    if (type === CANCEL) attempt.isCancelKnown = true;
    else if (type === CREDIT) (isCaller ? attempt.outputs : attempt.inputs).granted += number;
    else (isCaller ? attempt.inputs : attempt.outputs).come.push(measured(payload, reader.at));
  }

  told(from: VirtualPort, message: PortMessage, fate: SendFailure | undefined): void {
    const { type, payload, taberna } = message;
    const attempt = this.find(from, message);
    this.ledger.note(11, type & 0xff, fate === undefined ? 0 : 1, () => {
      return `life ${from.life} to ${message.to}: ${shown(message, attempt)} is ${fate?.kind ?? 'taken'}`;
    });
    if (attempt === undefined) return;
    if (type === CALL && fate === undefined) {
      attempt.isTaken = true;
      attempt.call.isTaken ||= !attempt.isCancelled;
    }
    if (type !== ITEMS) return;
    numberOf(message);
    (isOfService(taberna) ? attempt.inputs : attempt.outputs).underWay -= payload.length - reader.at;
  }

  happened(at: VirtualPort, { kind, address }: PeerEvent): void {
    this.ledger.note(12, kind.length, at.life, () => `life ${at.life}: ${kind} of ${address}`);
    if (kind !== 'ended') return;
    const taken = [...this.ofCallers].filter(
      ([key, { isTaken }]) => isTaken && key.startsWith(`${at.address} ${address} `),
    );
    const calls = taken.map(([, { call }]) => call).filter(({ port }) => port === at);
    const runs = [...this.ledger.calls.values()].flatMap((call) => call.runs.filter(({ port }) => port === at));
    const served = runs.filter(({ call: { port, plan } }) => port.address === address && plan.kind !== 'one-way');
    // Behind what this turn brings.
    at.after(0, () => this.ledger.mustBeOver(calls, served));
  }

  private called(from: VirtualPort, { to, payload }: PortMessage): void {
    reader.begin(payload, 7);
    const id = reader.uint();
    reader.text();
    reader.uint();
    reader.uintOrNone();
    const reply = reader.keyOrNone() ? `${reader.hi}:${reader.lo}` : undefined;
    const credit = reader.uint();
    const metadata = decodeCbor(reader.byteStringOrNone()!) as { readonly call: string };
    const call = this.ledger.calls.get(Number(metadata.call))!;
    const { callWindowBytes, inputWindowBytes } = this.ledger.weather;
    const attempt = {
      call,
      outputs: flowOf(callWindowBytes, credit),
      inputs: flowOf(inputWindowBytes, FIRST_INPUT_CREDIT),
      isTaken: false,
      isCancelled: false,
      isCancelKnown: false,
      hasEnd: false,
    };
    this.ofCallers.set(`${from.address} ${to} ${id}`, attempt);
    if (reply !== undefined) this.ofReplies.set(`${reply} ${to} ${id}`, attempt);
    if (to === from.address) this.ledger.saw('call to the own node');
    this.ledger.tried(call, id);
  }

  private callerSays(attempt: Attempt, type: number): void {
    const { call } = attempt;
    if (type === CANCEL) {
      if (!attempt.isTaken) this.ledger.saw('cancel before the call was taken');
      if (attempt.isCancelled) this.ledger.saw('cancel sent again');
      attempt.isCancelled = true;
    } else if (attempt.isCancelled || call.end !== undefined)
      this.ledger.broken(8, `the caller says ${type & 0xff} behind the end of call ${call.plan.id}`);
  }

  private calleeSays(attempt: Attempt, type: number): void {
    if (type === ANSWER || type === FAILURE) {
      if (attempt.hasEnd) this.ledger.saw('answer sent again');
      else if (attempt.isCancelKnown)
        this.ledger.broken(8, `the callee answers call ${idOf(attempt)} behind its cancel`);
      attempt.hasEnd = true;
    } else {
      if (attempt.hasEnd || attempt.isCancelKnown)
        this.ledger.broken(8, `the callee says ${type & 0xff} behind the end of call ${idOf(attempt)}`);
      if (type === END) attempt.hasEnd = true;
    }
  }

  private itemsSent(attempt: Attempt, flow: Flow, sequence: number, payload: Uint8Array): void {
    const { at } = reader;
    const bytes = payload.length - at;
    const items = decodeCbor(payload.subarray(at)) as unknown[];
    const before = bytes - headBytes(items.length) - encodeCbor(items.at(-1)).length;
    if (sequence !== flow.sequence++ || flow.isEnded)
      this.ledger.broken(5, `items ${sequence} of call ${idOf(attempt)} are out of turn`);
    if (flow.spent + before >= flow.granted)
      this.ledger.broken(5, `items of call ${idOf(attempt)} are sent without credit`);
    if (flow.underWay > UNDER_WAY_MAX_BYTES)
      this.ledger.broken(5, `${flow.underWay} bytes of call ${idOf(attempt)} are under way`);
    flow.spent += bytes;
    flow.underWay += bytes;
    if (flow.underWay > UNDER_WAY_MAX_BYTES) this.ledger.saw('sender with all under way that may be');
    if (flow.spent >= flow.granted) this.ledger.saw('sender without credit');
  }

  private credited({ call }: Attempt, flow: Flow, bytes: number, isOutput: boolean): void {
    flow.given += bytes;
    let taken = 0;
    let asked = isOutput ? call.outputsAsked : call.inputsAsked;
    for (const message of flow.come) {
      if (asked <= 0) break;
      asked -= message.items;
      taken += message.bytes;
    }
    this.ledger.saw('credit given');
    if (flow.given > flow.window + taken)
      this.ledger.broken(5, `call ${call.plan.id} gives credit for what nobody has taken`);
  }

  /** By what was sent from here: as the caller to its provider, or as the provider to where answers go. */
  private find(
    from: { readonly address: DomusAddr },
    { to, taberna, payload, type }: PortMessage,
  ): Attempt | undefined {
    reader.begin(payload, itemsOf(type));
    const id = reader.uint();
    if (isOfService(taberna)) return this.ofCallers.get(`${from.address} ${to} ${id}`);
    return this.ofReplies.get(`${taberna.idHi}:${taberna.idLo} ${from.address} ${id}`);
  }

  private attemptTo({ payload, type }: PortMessage, to: VirtualPort, from: DomusAddr): Attempt | undefined {
    reader.begin(payload, itemsOf(type));
    return this.ofCallers.get(`${from} ${to.address} ${reader.uint()}`);
  }
}

function flowOf(window: number, first: number): Flow {
  return { window, granted: first, spent: 0, sequence: 0, isEnded: false, underWay: 0, given: first, come: [] };
}

function isOfService({ idHi, idLo }: TabernaKey): boolean {
  return idHi === Work.taberna.idHi && idLo === Work.taberna.idLo;
}

function itemsOf(type: number): number {
  if (type === CALL) return 7;
  if (type === FAILURE) return 3;
  return type === ANSWER || type === CANCEL ? 1 : 2;
}

/** The number behind the id; the reader then stands at the items. */
function numberOf({ payload, type }: PortMessage): number {
  reader.begin(payload, itemsOf(type));
  reader.uint();
  return itemsOf(type) === 2 ? reader.uint() : 0;
}

function measured(payload: Uint8Array, at: number): { readonly items: number; readonly bytes: number } {
  return { items: (decodeCbor(payload.subarray(at)) as unknown[]).length, bytes: payload.length - at };
}

/** Of an array with so many items. */
function headBytes(items: number): number {
  return items < 24 ? 1 : items < 256 ? 2 : 3;
}

const NAMES = ['call', 'answer', 'failure', 'items', 'end', 'cancel', 'credit'];

/** A message as the trace names it. */
function shown({ type }: PortMessage, attempt: Attempt | undefined): string {
  return `${NAMES[type & 0xff]} of call ${attempt === undefined ? '?' : idOf(attempt)}`;
}

function idOf({ call }: Attempt): number {
  return call.plan.id;
}
