/** Failures on their way from a provider to its callers, and answers that found no room there at first. */
import type { DomusAddr } from '@flaminia/transport-a0';
import type { SendWaiter, TabernaKey } from '../port.ts';
import { encodeCbor } from '../values/cbor-values.ts';
import { FAILURE, HeadWriter } from './core/wire.ts';
import { type ProcedureError, procedureCode } from './procedure-error.ts';
import { Insistent } from './send-waiters.ts';

/** Longest message of an error that travels. */
const MESSAGE_MAX_CHARS = 4096;
/** Largest details of an error that travel, as CBOR. */
const DETAILS_MAX_BYTES = 65_536;
/** A message of an answer counts so much more than it holds. */
export const MESSAGE_COST_BYTES = 256;

/** Who answers travel to, from its first call to the end of its session. */
export interface AnswerPeer {
  readonly address: DomusAddr;
  /** Of answers that it has not acknowledged (A1) yet; items of streams count by their credit. */
  untakenBytes: number;
  /** Its session has ended. */
  isLost: boolean;
}

/** Who sends them. */
export interface AnswerHost {
  send(to: DomusAddr, reply: TabernaKey, type: number, payload: Uint8Array, waiter: SendWaiter): void;
  /** So many bytes of answers to a peer are on their way no longer. */
  taken(peer: AnswerPeer, bytes: number): void;
  /** Messages may be sent. */
  readonly isOpen: boolean;
  /** Runs this behind a pause, as `pauseMs` gives it. */
  later(longestMs: number, run: () => void): void;
}

const writer = new HeadWriter(256);

/** A message that ends a call, a failure as a rule, on its way to its caller: there is no end to a stream that nobody ends. */
export class Told extends Insistent {
  private readonly host: AnswerHost;
  private readonly peer: AnswerPeer;
  private readonly reply: TabernaKey;
  private readonly payload: Uint8Array;
  private readonly type: number;

  constructor(host: AnswerHost, peer: AnswerPeer, reply: TabernaKey, payload: Uint8Array, type: number = FAILURE) {
    super();
    this.host = host;
    this.peer = peer;
    this.reply = reply;
    this.payload = payload;
    this.type = type;
    peer.untakenBytes += payload.length + MESSAGE_COST_BYTES;
  }

  override send(): void {
    this.host.send(this.peer.address, this.reply, this.type, this.payload, this);
  }

  protected override get isWanted(): boolean {
    return !this.peer.isLost && this.host.isOpen;
  }

  protected override later(longestMs: number, run: () => void): void {
    this.host.later(longestMs, run);
  }

  protected override ended(): void {
    this.host.taken(this.peer, this.payload.length + MESSAGE_COST_BYTES);
  }
}

/** A failure as it travels. Details that cannot travel are left out. */
export function failurePayload(id: number, { code, message, details }: ProcedureError): Uint8Array {
  writer.begin(3);
  writer.uint(id);
  // A program may have assigned them.
  writer.text(procedureCode(code));
  writer.text(typeof message === 'string' ? message.slice(0, MESSAGE_MAX_CHARS) : '');
  if (details === undefined) return writer.copy();
  const head = writer.copy();
  try {
    const item = encodeCbor(details);
    if (item.length > DETAILS_MAX_BYTES) return head;
    const whole = new Uint8Array(head.length + item.length);
    whole.set(head);
    whole.set(item, head.length);
    return whole;
  } catch {
    return head;
  }
}
