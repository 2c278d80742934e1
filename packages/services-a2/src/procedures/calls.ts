/**
 * The calls that this node makes: gives them ids, hands their answers to them, ends them at their deadline and with the
 * session that they run on. Owns the reply taberna (inbox); knows no service and no provider.
 *
 * 1. A try is in the table from `begin` to `end`; what comes for one that is not, or from another peer, changes nothing.
 * 2. A try whose outcome nobody waits for any more is cancelled at the far side, unless that is known to have ended.
 * 3. One timer for all deadlines.
 */
import { type DomusAddr, DomusError } from '@flaminia/transport-a0';
import type {
  PeerEvent,
  Port,
  PortMessage,
  PortRequest,
  PortTaberna,
  SendFailure,
  SendWaiter,
  TabernaKey,
} from '../port.ts';
import { SignalWatch } from '../signal-watch.ts';
import { decodeCbor } from '../values/cbor-values.ts';
import { Deadlines, type Due } from './core/deadlines.ts';
import { IdTable } from './core/id-table.ts';
import { ANSWER, CANCEL, CREDIT, END, FAILURE, HeadReader, HeadWriter, ITEMS, NO_LIMIT } from './core/wire.ts';
import { ProcedureError, procedureCode } from './procedure-error.ts';
import { Insistent, pauseMs } from './send-waiters.ts';
import type { Procedure } from './service.ts';

/** How long control messages of calls may wait for their peer. */
export const CONTROL_TIMEOUT_MS = 30_000;
const NEVER = Number.POSITIVE_INFINITY;
const LAST_ID = 0xffff_ffff;
/** Timers of the machine ring at once for more; the ring finds nothing due, and looks again. */
const LONGEST_TIMER_MS = 0x7fff_ffff;

/** One try of a call on one provider. */
export interface Try {
  /** Given by `begin`. */
  id: number;
  readonly to: DomusAddr;
  readonly procedure: Procedure;
  /** A1 has acknowledged its call. */
  readonly isTaken: boolean;
  /** The value of an answer. */
  answered(payload: Uint8Array, at: number): void;
  itemsIn(sequence: number, payload: Uint8Array, at: number): void;
  itemsEnded(sequence: number): void;
  creditIn(bytes: number): void;
  /** The far side, or the loss of it, has ended the try. */
  broken(error: ProcedureError): void;
  /** The connection was lost; it may come back. True when the try has moved elsewhere, and is over here. */
  lost(): boolean;
}

/** Something whose deadline has come. */
export interface Timed extends Due {
  expired(): void;
}

const reader = new HeadReader();
/** Failures that a provider has told, and so was there to tell. */
const told = new WeakSet<ProcedureError>();

/** Has the provider itself told this failure? */
export function isTold(error: ProcedureError): boolean {
  return told.has(error);
}

const writer = new HeadWriter(512);

export class Calls {
  readonly port: Port;
  readonly signals: SignalWatch = new SignalWatch();
  /** Messages for no call under way, or from a peer that was not asked. */
  strays = 0;
  /** Calls under way, which may have no try for a while, or two. */
  underWay = 0;
  /** No try may begin any more: nobody would hear its answer. */
  isClosed = false;
  private readonly reply: PortTaberna;
  private readonly replyBytes = new Uint8Array(8);
  private readonly tries = new IdTable<Try>();
  /** Calls in the pause behind a try, which have none. */
  readonly resting: Set<{ stop(error: ProcedureError): void }> = new Set();
  private readonly deadlines = new Deadlines();
  private readonly stopWatching: () => void;
  private timer: ReturnType<Port['clock']['startTimer']> | undefined = undefined;
  private timerAt = NEVER;
  private lastId: number;

  constructor(port: Port) {
    this.port = port;
    const key: TabernaKey = { idHi: port.random(), idLo: port.random() };
    new DataView(this.replyBytes.buffer).setUint32(0, key.idHi);
    new DataView(this.replyBytes.buffer).setUint32(4, key.idLo);
    // Far from what tables and objects keep as a number in memory of its own.
    this.lastId = port.random() >>> 2;
    this.reply = port.register(key, (request) => this.receive(request));
    this.stopWatching = port.onPeer((event) => this.peerEvent(event));
  }

  /** Tries under way. */
  get size(): number {
    return this.tries.size;
  }

  /** Those with whom a try is under way. */
  peers(): Set<DomusAddr> {
    return new Set(this.tries.values().map(({ to }) => to));
  }

  /** Takes a try into the table and gives it its id. */
  begin(attempt: Try): void {
    do this.lastId = this.lastId === LAST_ID ? 1 : this.lastId + 1;
    while (!this.tries.isFree(this.lastId));
    attempt.id = this.lastId;
    this.tries.add(attempt);
  }

  /** Takes it out. */
  end(attempt: Try): void {
    this.tries.delete(attempt);
  }

  /**
   * Writes the head of a call into a writer that is used again at once. `remainingMs`: NO_LIMIT for none; `credit`: bytes
   * of items that the far side may send from the beginning.
   */
  callHead(attempt: Try, remainingMs: number, credit: number, metadata: Uint8Array | undefined): HeadWriter {
    const { parts, definition } = attempt.procedure;
    writer.begin(7);
    writer.uint(attempt.id);
    writer.item(parts.nameItem);
    writer.uint(parts.kindNumber);
    if (remainingMs === NO_LIMIT) writer.none();
    else writer.uint(remainingMs);
    if (definition.kind === 'one-way') writer.none();
    else writer.byteString(this.replyBytes);
    writer.uint(credit);
    if (metadata === undefined) writer.none();
    else writer.byteString(metadata);
    return writer;
  }

  /** Sends a message of a try to its provider. */
  send(attempt: Try, type: number, payload: Uint8Array, deadline: number, waiter: SendWaiter): void {
    const { taberna } = attempt.procedure.service;
    this.port.send({ to: attempt.to, tier: 'a3', taberna, type, payload, deadline, wait: true }, waiter);
  }

  /** Tells the far side that nobody waits any more. `isTaken`: it may be at work, and is told again where this was not taken in its time. */
  cancel(attempt: Try, isTaken: boolean = attempt.isTaken): void {
    writer.begin(1);
    writer.uint(attempt.id);
    new Cancelling(this, attempt, writer.copy(), isTaken).send();
  }

  /** Lets the far side send so many bytes of items more. */
  credit(attempt: Try, bytes: number, waiter: SendWaiter): void {
    writer.begin(2);
    writer.uint(attempt.id);
    writer.uint(bytes);
    this.send(attempt, CREDIT, writer.copy(), this.port.now() + CONTROL_TIMEOUT_MS, waiter);
  }

  /** `expired` of this is called once its deadline has come, unless `unwatch` is called before. */
  watch(timed: Timed): void {
    this.deadlines.add(timed);
    this.arm();
  }

  unwatch(timed: Timed): void {
    this.deadlines.remove(timed);
  }

  /** Fails everything that is under way, and gives the taberna and the timer back. */
  close(error: ProcedureError): void {
    this.isClosed = true;
    for (const attempt of this.tries.values()) {
      this.cancel(attempt);
      attempt.broken(error);
    }
    for (const call of this.resting) call.stop(error);
    this.reply.close();
    this.stopWatching();
    if (this.timer !== undefined) this.port.clock.stopTimer(this.timer);
    this.timer = undefined;
  }

  private receive(request: PortRequest): void {
    const { type, payload } = request;
    const headItems = headItemsOf(type);
    if (headItems === 0) {
      request.reject('invalid-argument: not an answer to a call');
      return;
    }
    request.accept();
    reader.begin(payload, headItems);
    const attempt = this.tries.get(reader.uint());
    const number = type === ANSWER || type === FAILURE ? 0 : reader.uint();
    if (reader.isBad || attempt === undefined || attempt.to !== request.from) {
      this.strays++;
      return;
    }
    this.port.programGoesOn();
    if (type === ANSWER) attempt.answered(payload, reader.at);
    else if (type === ITEMS) attempt.itemsIn(number, payload, reader.at);
    else if (type === END) attempt.itemsEnded(number);
    else if (type === CREDIT) attempt.creditIn(number);
    else {
      const failure = failureIn(payload);
      told.add(failure);
      attempt.broken(failure);
    }
  }

  private peerEvent(event: PeerEvent): void {
    if (event.kind === 'up' && !event.fresh) return;
    for (const attempt of this.tries.values()) {
      if (attempt.to !== event.address || this.tries.get(attempt.id) !== attempt) continue;
      if (event.kind === 'lost') attempt.lost();
      // A call that was not taken fails in A1, or is still to be sent: to a peer that has started anew.
      else if (event.kind === 'ended' && !attempt.isTaken) continue;
      else if (event.kind !== 'up') {
        // The session may outlive the failed dial, and the provider may be at work for it.
        if (event.kind === 'dial-failed') this.cancel(attempt, false);
        attempt.broken(lostError(event));
      }
    }
  }

  private arm(): void {
    const { next } = this.deadlines;
    if (next >= this.timerAt) return;
    const { clock } = this.port;
    if (this.timer !== undefined) clock.stopTimer(this.timer);
    this.timerAt = next;
    const delayMs = Math.min(Math.max(1, Math.ceil(next - clock.now())), LONGEST_TIMER_MS);
    this.timer = clock.startTimer(delayMs, () => this.ring());
  }

  private ring(): void {
    this.timer = undefined;
    this.timerAt = NEVER;
    for (const due of this.deadlines.expire(this.port.clock.now())) (due as Timed).expired();
    this.arm();
  }
}

/** How many items the head of a message has; 0 for what is no answer. As keys of an object these numbers would become texts. */
function headItemsOf(type: number): number {
  if (type === ANSWER) return 1;
  if (type === FAILURE) return 3;
  return type === ITEMS || type === END || type === CREDIT ? 2 : 0;
}

/** Word to a provider that nobody waits any more: it may be at work for ever. Keeps nothing of the call. */
class Cancelling extends Insistent {
  private readonly calls: Calls;
  private readonly message: Pick<PortMessage, 'to' | 'taberna' | 'payload'>;
  private readonly isTaken: boolean;

  constructor(calls: Calls, { to, procedure }: Try, payload: Uint8Array, isTaken: boolean) {
    super();
    this.calls = calls;
    this.message = { to, taberna: procedure.service.taberna, payload };
    this.isTaken = isTaken;
  }

  override send(): void {
    const { port } = this.calls;
    const deadline = port.now() + CONTROL_TIMEOUT_MS;
    port.send({ ...this.message, tier: 'a3', type: CANCEL, deadline, wait: true }, this);
  }

  protected override get isWanted(): boolean {
    return this.calls.port.isOpen;
  }

  /** Not so where it only found no room: then its call, which went before it, may have taken the last. */
  protected override get insists(): boolean {
    return this.isTaken && !this.calls.isClosed;
  }

  protected override later(longestMs: number, run: () => void): void {
    const { port } = this.calls;
    port.clock.startTimer(pauseMs(longestMs, port.random()), run);
  }
}

/** Reads what stands behind the id of a failure: code, message, and details as a value. */
function failureIn(payload: Uint8Array): ProcedureError {
  const code = procedureCode(reader.text());
  const message = reader.text();
  if (reader.isBad)
    return new ProcedureError('internal', 'the provider failed, and told it in a way that cannot be read');
  if (reader.at >= payload.length) return new ProcedureError(code, message);
  try {
    return new ProcedureError(code, message, { details: decodeCbor(payload.subarray(reader.at)) });
  } catch {
    return new ProcedureError(code, message);
  }
}

function lostError(event: PeerEvent): ProcedureError {
  const cause = event.kind === 'dial-failed' ? event.error : undefined;
  const text = event.kind === 'dial-failed' ? 'cannot be reached' : 'was lost';
  return new ProcedureError('unavailable', `the provider ${event.address} ${text}`, { cause });
}

/** Kinds of failures that say that the provider itself may be well, but takes no more. */
const FULL: ReadonlySet<string> = new Set(['taberna-busy', 'local-queue-full']);

/** What a failed send of a call means for the call. */
export function errorOfSend(failure: SendFailure, to: DomusAddr): ProcedureError {
  const [code, ...rest] = failure.text.split(': ');
  // A provider that refuses a call without an answer says why in the text of the refusal.
  if (failure.kind === 'remote-taberna-rejected' && rest.length > 0) {
    const error = new ProcedureError(procedureCode(code!), rest.join(': '));
    told.add(error);
    return error;
  }
  const cause = causeOf(failure, to);
  if (FULL.has(failure.kind)) return new ProcedureError('resource-exhausted', `${to} takes no more calls`, { cause });
  if (cannotTravel(failure) || failure.kind === 'decode-failure')
    return new ProcedureError('internal', `the call could not travel: ${cause.message}`, { cause });
  return new ProcedureError('unavailable', `the provider ${to} did not take the call`, { cause });
}

/** The message is too large, for this side or for its peer: it would not pass on any other day. */
export function cannotTravel({ kind }: Pick<SendFailure, 'kind'>): boolean {
  return kind === 'encode-failure' || kind === 'protocol-violation';
}

function causeOf({ kind, text, delivery, cause }: SendFailure, peer: DomusAddr): DomusError {
  return new DomusError(kind, text === '' ? 'the message was not taken' : text, { delivery, peer, cause });
}
