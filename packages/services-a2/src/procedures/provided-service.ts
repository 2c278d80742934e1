/**
 * A service that this node provides: takes its calls in, asks the verifier, runs the handlers.
 *
 * Long on purpose: the way of a call, from its message to its handler, stands in one place.
 *
 * 1. A call reaches the procedure that it names in full, or none.
 * 2. No handler runs for a caller that the verifier did not allow, or whose identity cannot be read.
 * 3. At most `concurrency` handlers run at once, and `maxWaiting` calls of WAITING_MAX_BYTES together wait for one; whatever is
 *    beyond is refused.
 * 4. A slow handler holds up nobody else's calls but by its place among those.
 * 5. While UNTAKEN_MAX_BYTES of answers to a peer are on their way, its further calls wait as for a handler. All calls of such
 *    peers have as many places as the others, and take none of theirs.
 * 6. A one-way call that was taken runs, whatever becomes of its caller.
 */
import type { DomusAddr } from '@flaminia/transport-a0';
import type { Caller } from '../authorization/caller.ts';
import type { FlushProgram, PeerEvent, Port, PortRequest, PortTaberna, SendWaiter, TabernaKey } from '../port.ts';
import { decodeCbor } from '../values/cbor-values.ts';
import { metadataOf, NO_METADATA } from './call-metadata.ts';
import type { CallContext } from './call-types.ts';
import { CONTROL_TIMEOUT_MS, type Timed } from './calls.ts';
import { IdTable } from './core/id-table.ts';
import { WaitingCalls, waitingList } from './core/waiting-calls.ts';
import { CALL, CANCEL, CREDIT, END, HeadReader, ITEMS } from './core/wire.ts';
import { valueAt } from './payload.ts';
import { ProcedureError } from './procedure-error.ts';
import { pauseMs } from './send-waiters.ts';
import { ServedCall, type ServedHost, type ServedPeer } from './served-call.ts';
import type { Procedure, ServiceHead } from './service.ts';
import { type AnswerPeer, failurePayload, Told } from './told.ts';
import { misfit } from './unary-call.ts';

type Handler = (input: unknown, context: CallContext) => unknown;

/** What happens at a provided service that nobody who calls is told. */
export type ProvisionEvent =
  | { readonly kind: 'call-refused'; readonly procedure: string; readonly caller: Caller; readonly reason: string }
  | { readonly kind: 'handler-failed'; readonly procedure: string; readonly caller: Caller; readonly error: unknown };

export interface ProvidedServiceOptions {
  readonly port: Port;
  readonly service: ServiceHead;
  readonly handlers: Readonly<Record<string, Handler>>;
  /** Undefined where the caller may call; else why not. */
  readonly refusal: (caller: Caller, procedure: string) => string | undefined;
  readonly concurrency: number;
  readonly maxWaiting: number;
  /** Bytes of inputs that may be on their way here, for each stream. */
  readonly windowBytes: number;
  readonly watch: (timed: Timed) => void;
  readonly unwatch: (timed: Timed) => void;
  readonly report: (event: ProvisionEvent) => void;
}

/** Bytes of the messages of calls that wait for a handler; one alone always fits. */
const WAITING_MAX_BYTES = 64 * 1024 * 1024;
/** Bytes of answers that may be on their way to one peer, who may not read; what is under way then may add to them. */
const UNTAKEN_MAX_BYTES = 16 * 1024 * 1024;
const GOING = 'the provider is going away';
const reader = new HeadReader();

export class ProvidedService implements ServedHost {
  readonly service: ServiceHead;
  private readonly options: ProvidedServiceOptions;
  private readonly port: Port;
  private readonly procedures: readonly Procedure[];
  /** The calls of each peer, as long as its session lasts. */
  private readonly peers = new Map<DomusAddr, ServedPeer>();
  /** One-way calls whose caller is gone. */
  private readonly orphans = new Set<ServedCall>();
  private readonly waiting = new WaitingCalls<ServedCall>();
  private readonly taberna: PortTaberna;
  private readonly stopWatching: () => void;
  private waitingCount = 0;
  private waitingBytes = 0;
  private running = 0;
  private isRunningWaiting = false;
  private isDraining = false;
  /** How many calls `close` has cut; undefined before. */
  private cut: number | undefined = undefined;
  private idle: (() => void)[] = [];
  private lastFound: Procedure;
  private lastReply: { readonly from: string; readonly key: TabernaKey } = { from: '', key: { idHi: 0, idLo: 0 } };

  /** Registers the service's taberna; `taberna-already-registered` where it is provided here already. */
  constructor(options: ProvidedServiceOptions) {
    const { port, service } = options;
    this.service = service;
    this.options = options;
    this.port = port;
    this.procedures = Object.keys(service.procedures).map(
      (name) => (service as unknown as Record<string, Procedure>)[name]!,
    );
    this.lastFound = this.procedures[0]!;
    this.taberna = port.register(service.taberna, (request) => this.receive(request));
    this.stopWatching = port.onPeer((event) => this.peerEvent(event));
  }

  /** Handlers that run and calls that wait for one. */
  get underWay(): number {
    return this.running + this.waitingCount;
  }

  /** A call of this peer is under way. */
  serves(address: DomusAddr): boolean {
    return (this.peers.get(address)?.calls.size ?? 0) > 0;
  }

  /**
   * Refuses new calls, and ends the open streams of outputs; resolves when no handler runs any more, and every answer was taken: one
   * that found no room at first is sent again, which the end of the domus behind this would cut off.
   */
  async drain(): Promise<void> {
    this.isDraining = true;
    for (const call of this.openCalls()) {
      const { kind } = call.procedure.definition;
      if (kind === 'server-stream' || kind === 'bidi-stream') call.fail(new ProcedureError('unavailable', GOING));
    }
    if (!this.isIdle) await new Promise<void>((resolve) => this.idle.push(resolve));
  }

  /** Fails what is left and gives the taberna back; the number of calls that were cut, also when it was closed before. */
  close(): number {
    if (this.cut !== undefined) return this.cut;
    this.isDraining = true;
    const open = this.openCalls();
    this.cut = open.length;
    for (const call of open) call.fail(new ProcedureError('unavailable', GOING));
    this.taberna.close();
    this.answersTaken();
    return this.cut;
  }

  // --- for the calls ---------------------------------------------------------------------------------------------

  now(): number {
    return this.port.now();
  }

  send(to: DomusAddr, reply: TabernaKey, type: number, payload: Uint8Array, waiter: SendWaiter): void {
    const deadline = this.port.now() + CONTROL_TIMEOUT_MS;
    this.port.send({ to, tier: 'a3', taberna: reply, type, payload, deadline, wait: true }, waiter);
  }

  runBeforeFlush(program: FlushProgram): void {
    this.port.runBeforeFlush(program);
  }

  taken(peer: ServedPeer, bytes: number): void {
    const wasChoked = isChoked(peer);
    peer.untakenBytes -= bytes;
    if (this.isDraining && peer.untakenBytes === 0) this.answersTaken();
    if (!wasChoked || isChoked(peer) || this.waitingCount === 0) return;
    this.waiting.resume(peer);
    // Not inside of what tells this, which may be the end of the session.
    this.port.programGoesOn();
    queueMicrotask(() => this.runWaiting());
  }

  get isOpen(): boolean {
    return this.port.isOpen;
  }

  later(longestMs: number, run: () => void): void {
    this.port.clock.startTimer(pauseMs(longestMs, this.port.random()), run);
  }

  closed(call: ServedCall): void {
    // Most calls are answered before anybody could look for them.
    if (!call.isEntered) return;
    this.options.unwatch(call);
    call.peer.calls.delete(call);
    this.orphans.delete(call);
    if (this.waiting.delete(call)) this.waitsNoMore(call);
    this.tellIdle();
  }

  handlerFailed({ procedure, caller }: ServedCall, error: unknown): void {
    this.report({ kind: 'handler-failed', procedure: procedure.fullName, caller, error });
  }

  // --- messages --------------------------------------------------------------------------------------------------

  private receive(request: PortRequest): void {
    const { type, payload } = request;
    if (type === CALL) {
      this.callIn(request);
      return;
    }
    if (type !== ITEMS && type !== CREDIT && type !== CANCEL && type !== END) {
      request.reject('invalid-argument: not a message of a call');
      return;
    }
    request.accept();
    reader.begin(payload, type === CANCEL ? 1 : 2);
    const call = this.peers.get(request.from)?.calls.get(reader.uint());
    if (reader.isBad || call === undefined) return;
    this.port.programGoesOn();
    if (type === CANCEL) call.cancel(new ProcedureError('cancelled', 'the caller has given up'));
    else this.streamIn(call, type, payload);
  }

  private streamIn(call: ServedCall, type: number, payload: Uint8Array): void {
    const number = reader.uint();
    if (reader.isBad) return;
    if (type === CREDIT) call.creditIn(number);
    else if (type === END) call.itemsEnded(number);
    else if (type === ITEMS) {
      if (call.inputs?.isOpen !== true) return;
      const { at } = reader;
      let items: unknown;
      try {
        items = decodeCbor(payload.subarray(at));
      } catch (error) {
        call.fail(misfit('input', error));
        return;
      }
      call.itemsIn(number, items, payload.length - at);
    }
  }

  private callIn(request: PortRequest): void {
    const { payload } = request;
    reader.begin(payload, 7);
    const id = reader.uint();
    reader.textRange();
    const procedure = this.find();
    const kind = reader.uint();
    const remainingMs = reader.uintOrNone();
    const hasReply = reader.keyOrNone();
    const { hi, lo } = reader;
    const credit = reader.uint();
    const metadataItem = reader.byteStringOrNone();
    const { at, isBad } = reader;
    if (isBad) {
      request.reject('invalid-argument: the call cannot be read');
      return;
    }
    const peer = this.peerOf(request.from);
    const reply = hasReply ? this.replyOf(request.from, hi, lo) : undefined;
    const caller = callerOf(request);
    const refusal =
      procedure === undefined ? UNKNOWN : (this.refusalOf(procedure, kind, reply, caller) ?? overdue(remainingMs));
    if (refusal !== undefined || caller === undefined) {
      this.refuse(request, peer, id, reply, refusal ?? NOBODY);
      return;
    }
    const metadata = metadataItem === undefined ? NO_METADATA : metadataOf(metadataItem);
    if (metadata === undefined) {
      this.refuse(request, peer, id, reply, NO_MAP);
      return;
    }
    const input = this.inputOf(procedure!, payload, at, caller);
    if (ProcedureError.is(input)) {
      this.refuse(request, peer, id, reply, input);
      return;
    }
    const head = { id, peer, reply, remainingMs, credit, caller, metadata, bytes: payload.length };
    this.takeIn(new ServedCall(head, procedure!, input, this, this.options.windowBytes), request, reply);
  }

  /** Why a call is not served, as far as its head tells. */
  private refusalOf(
    { definition, fullName, parts }: Procedure,
    kind: number,
    reply: TabernaKey | undefined,
    caller: Caller | undefined,
  ): ProcedureError | undefined {
    if (this.isDraining) return new ProcedureError('unavailable', GOING);
    if (kind !== parts.kindNumber || (reply === undefined) !== (definition.kind === 'one-way'))
      return new ProcedureError('invalid-argument', `${fullName} is of kind ${definition.kind}`);
    if (caller === undefined) return NOBODY;
    const reason = this.reasonAgainst(caller, fullName);
    if (reason === undefined) return undefined;
    this.report({ kind: 'call-refused', procedure: fullName, caller, reason });
    return new ProcedureError('unauthorized', `the caller may not call ${fullName}`);
  }

  /** What a program's listener throws is its own fault, and costs no call its answer. */
  private report(event: ProvisionEvent): void {
    try {
      this.options.report(event);
    } catch (error) {
      queueMicrotask(() => {
        throw error;
      });
    }
  }

  /** A verifier that cannot decide refuses. */
  private reasonAgainst(caller: Caller, fullName: string): string | undefined {
    try {
      return this.options.refusal(caller, fullName);
    } catch {
      return 'the verifier threw';
    }
  }

  /** The input, or why it is refused. A schema that cannot judge it has failed here, as a handler may. */
  private inputOf(
    { definition, parts, fullName }: Procedure,
    payload: Uint8Array,
    at: number,
    caller: Caller,
  ): unknown {
    if (definition.kind === 'client-stream' || definition.kind === 'bidi-stream') return undefined;
    try {
      return parts.checkInput(valueAt(payload, at));
    } catch (error) {
      const told = misfit('input', error);
      if (told.code === 'internal')
        this.report({ kind: 'handler-failed', procedure: fullName, caller, error: told.cause });
      return told;
    }
  }

  private takeIn(call: ServedCall, request: PortRequest, reply: TabernaKey | undefined): void {
    const isFull = this.running >= this.options.concurrency || isChoked(call.peer);
    if (isFull && !this.hasPlace(call)) {
      const text = `${this.service.taberna.name} has too many calls under way`;
      this.refuse(request, call.peer, call.id, reply, new ProcedureError('resource-exhausted', text));
      return;
    }
    if (call.peer.calls.get(call.id) !== undefined) {
      const twice = new ProcedureError('invalid-argument', `call ${call.id} is under way already`);
      this.refuse(request, call.peer, call.id, reply, twice);
      return;
    }
    request.accept();
    if (!isFull) {
      this.run(call);
      return;
    }
    this.enter(call);
    this.waiting.add(call);
    this.waitingCount++;
    this.waitingBytes += call.callBytes;
    call.peer.waiting++;
    call.peer.waitingBytes += call.callBytes;
  }

  /** May a call wait? Those that are held back for their peers and those that wait for a handler are counted apart. */
  private hasPlace({ peer, callBytes }: ServedCall): boolean {
    if (this.isWithin(this.waitingCount, this.waitingBytes + callBytes)) return true;
    let [held, heldBytes] = [0, 0];
    for (const each of this.peers.values()) {
      if (!isChoked(each)) continue;
      held += each.waiting;
      heldBytes += each.waitingBytes;
    }
    if (isChoked(peer)) return this.isWithin(held, heldBytes + callBytes);
    return this.isWithin(this.waitingCount - held, this.waitingBytes - heldBytes + callBytes);
  }

  /** One alone always fits. */
  private isWithin(waiting: number, bytes: number): boolean {
    return waiting < this.options.maxWaiting && (waiting === 0 || bytes <= WAITING_MAX_BYTES);
  }

  /** A call is no longer among those that wait. */
  private waitsNoMore({ peer, callBytes }: ServedCall): void {
    this.waitingCount--;
    this.waitingBytes -= callBytes;
    peer.waiting--;
    peer.waitingBytes -= callBytes;
  }

  /** From now on messages, deadlines and losses find the call. */
  private enter(call: ServedCall): void {
    if (call.isEntered) return;
    call.peer.calls.add(call);
    call.isEntered = true;
    this.options.watch(call);
  }

  private refuse(
    request: PortRequest,
    peer: ServedPeer,
    id: number,
    reply: TabernaKey | undefined,
    error: ProcedureError,
  ): void {
    // A peer that reads no answers shall not make them grow by calls that are refused.
    if (reply === undefined || isChoked(peer)) {
      request.reject(`${error.code}: ${error.message}`);
      return;
    }
    request.accept();
    new Told(this, peer, reply, failurePayload(id, error)).send();
  }

  /** What is kept of a peer, as long as its session lasts. */
  private peerOf(address: DomusAddr): ServedPeer {
    let peer = this.peers.get(address);
    if (peer === undefined) {
      const calls = new IdTable<ServedCall>();
      const aside = waitingList<ServedCall>();
      peer = { address, calls, aside, waiting: 0, waitingBytes: 0, untakenBytes: 0, isLost: false };
      this.peers.set(address, peer);
    }
    return peer;
  }

  /** The procedure whose name the reader has taken; most often that of the call before. */
  private find(): Procedure | undefined {
    if (reader.isText(this.lastFound.parts.nameItem)) return this.lastFound;
    const found = this.procedures.find(({ parts }) => reader.isText(parts.nameItem));
    if (found !== undefined) this.lastFound = found;
    return found;
  }

  /** Where answers for a peer go; most often where the last ones went. */
  private replyOf(from: DomusAddr, idHi: number, idLo: number): TabernaKey {
    const last = this.lastReply;
    if (last.from === from && last.key.idHi === idHi && last.key.idLo === idLo) return last.key;
    const key = { idHi, idLo };
    this.lastReply = { from, key };
    return key;
  }

  // --- handlers --------------------------------------------------------------------------------------------------

  private run(call: ServedCall): void {
    this.running++;
    const handler = this.options.handlers[call.procedure.name]!;
    const { kind } = call.procedure.definition;
    let result: unknown;
    let isLasting = false;
    try {
      // Whatever the handler does at once, the end of its own service too, shall find a stream.
      if (kind !== 'unary' && kind !== 'one-way') this.enter(call);
      call.inputs?.begin();
      result = handler(call.inputs ?? call.input, call.context);
      if (kind === 'server-stream' || kind === 'bidi-stream') result = call.stream(iterableOf(result));
      isLasting = isThenable(result);
    } catch (error) {
      // A promise where a stream belongs: nobody waits for it.
      if (isThenable(result)) Promise.resolve(result).catch((reason: unknown) => this.handlerFailed(call, reason));
      call.threw(error);
      this.ran();
      return;
    }
    if (isLasting) {
      // A call that is answered at once need not be found by anybody.
      if (!call.isClosed) this.enter(call);
      this.port.programGoesOn();
      // A thenable of the program may throw, and answer twice; a promise does neither.
      this.await(call, Promise.resolve(result));
      return;
    }
    call.answer(result);
    this.ran();
  }

  private await(call: ServedCall, result: Promise<unknown>): void {
    result.then(
      (value) => {
        call.answer(value);
        this.ran();
      },
      (error: unknown) => {
        call.threw(error);
        this.ran();
      },
    );
  }

  private ran(): void {
    this.running--;
    this.runWaiting();
    this.tellIdle();
  }

  private runWaiting(): void {
    // A handler that is done at once comes back here: a loop, since thousands may wait.
    if (this.isRunningWaiting) return;
    this.isRunningWaiting = true;
    while (this.waitingCount > 0 && this.running < this.options.concurrency) {
      const call = this.waiting.take(isChoked);
      if (call === undefined) break;
      this.waitsNoMore(call);
      this.run(call);
    }
    this.isRunningWaiting = false;
  }

  private tellIdle(): void {
    if (this.idle.length > 0 && this.isIdle) for (const resolve of this.idle.splice(0)) resolve();
  }

  private get isIdle(): boolean {
    return this.underWay === 0 && !this.isOwing;
  }

  /** Answers are on their way, or will be sent again. */
  private get isOwing(): boolean {
    return [...this.peers.values()].some(({ untakenBytes }) => untakenBytes > 0);
  }

  /** Somebody has all answers, or takes none any more. What is sent again behind `close` ends with the session of its caller. */
  private answersTaken(): void {
    this.tellIdle();
    if (this.cut !== undefined && !this.isOwing) this.stopWatching();
  }

  private openCalls(): ServedCall[] {
    return [...[...this.peers.values()].flatMap(({ calls }) => calls.values()), ...this.orphans];
  }

  private peerEvent(event: PeerEvent): void {
    const peer = event.kind === 'ended' ? this.peers.get(event.address) : undefined;
    if (peer === undefined) return;
    this.peers.delete(peer.address);
    peer.isLost = true;
    for (const call of peer.calls.values()) {
      // Acknowledged, it runs.
      if (call.isOneWay) this.orphans.add(call);
      else call.cancel(new ProcedureError('cancelled', 'the caller was lost'));
    }
    if (this.isDraining) this.answersTaken();
  }
}

const NO_MAP = new ProcedureError('invalid-argument', 'the metadata is no map of texts within its size');
const NOBODY = new ProcedureError('unauthorized', 'nobody can tell who calls');
const OVERDUE = new ProcedureError('deadline-exceeded', 'the time of the call was over before it came');
const UNKNOWN = new ProcedureError('unknown-procedure', 'the provider has no procedure of this name');

/** So much is on its way to it that it may not read at all. */
function isChoked({ untakenBytes }: AnswerPeer): boolean {
  return untakenBytes > UNTAKEN_MAX_BYTES;
}

/** Undefined where the certificate of the peer cannot be read. */
function callerOf(request: PortRequest): Caller | undefined {
  try {
    return request.caller();
  } catch {
    return undefined;
  }
}

function overdue(remainingMs: number): ProcedureError | undefined {
  return remainingMs === 0 ? OVERDUE : undefined;
}

/** False for what throws when it is looked at: no answer can be made of it either. */
function isThenable(value: unknown): value is PromiseLike<unknown> {
  try {
    return typeof value === 'object' && value !== null && typeof (value as PromiseLike<unknown>).then === 'function';
  } catch {
    return false;
  }
}

function iterableOf(value: unknown): AsyncIterable<unknown> | Iterable<unknown> {
  const candidate = value as Partial<AsyncIterable<unknown> & Iterable<unknown>> | null | undefined;
  if (typeof candidate?.[Symbol.asyncIterator] === 'function') return candidate as AsyncIterable<unknown>;
  if (typeof candidate === 'object' && typeof candidate?.[Symbol.iterator] === 'function')
    return candidate as Iterable<unknown>;
  throw new TypeError('a handler of a stream must return an iterable');
}
