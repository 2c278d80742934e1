/**
 * A call with one input and at most one output, from the moment that the program makes it: its tries on providers, its
 * deadline, and its promise.
 *
 * 1. The promise settles once; after that nothing is under way for the call, at this side.
 * 2. A second try is made only where the procedure is idempotent, within the deadline and the budget: on a provider that was
 *    not tried yet, and when all were, on any of them behind a pause.
 */
import type { DomusAddr } from '@flaminia/transport-a0';
import { DomusError } from '@flaminia/transport-a0';
import type { SendFailure, SendWaiter } from '../port.ts';
import type { CallOutcome } from '../providers/core/admission.ts';
import type { ProviderCall } from '../providers/core/provider-table.ts';
import type { Provider } from '../providers/provider.ts';
import { isJudgement } from '../values/schema-check.ts';
import { remainingMs } from './call-limits.ts';
import type { CallOptions } from './call-types.ts';
import { CONTROL_TIMEOUT_MS, cannotTravel, errorOfSend, isTold, type Timed, type Try } from './calls.ts';
import type { CallParts } from './client-options.ts';
import type { Due } from './core/deadlines.ts';
import { CALL } from './core/wire.ts';
import { payloadBehind, valueAt } from './payload.ts';
import { PendingCall } from './pending-call.ts';
import { ProcedureError } from './procedure-error.ts';
import { isOverdue, pauseMs } from './send-waiters.ts';
import type { Procedure } from './service.ts';

/** However large the budget: a call that fails everywhere shall not visit a whole imperium. */
const MOST_TRIES = 5;

/** Pause before a provider is tried a second time; twice as long each time. */
const FIRST_PAUSE_MS = 50;

/** Failures after which another provider may do better. */
const RETRYABLE: ReadonlySet<string> = new Set(['unavailable', 'resource-exhausted']);
/** Failures that tell against the provider. */
const FAULTS: ReadonlySet<string> = new Set(['internal', 'data-loss', 'deadline-exceeded', 'resource-exhausted']);

const NONE: readonly UnaryTry[] = [];

export class UnaryCall extends PendingCall {
  private readonly input: unknown;
  private readonly resolve: (value: unknown) => void;
  private readonly reject: (error: ProcedureError) => void;
  /** The payload of the first try, kept where its input may be sent again: behind its head. */
  private sent: Uint8Array | undefined = undefined;
  private sentHeadLength = 0;
  private open: readonly UnaryTry[] = NONE;
  private firstTried = '';
  /** All that were tried, once a second one is wanted. */
  private tried: Set<string> | undefined = undefined;
  private tries = 0;
  private hedge: Later | undefined = undefined;
  /** While no try is under way, but one will be. */
  private pause: Later | undefined = undefined;
  private lastError: ProcedureError | undefined = undefined;

  constructor(
    procedure: Procedure,
    input: unknown,
    options: CallOptions | undefined,
    parts: CallParts,
    resolve: (value: unknown) => void,
    reject: (error: ProcedureError) => void,
  ) {
    super(procedure, options, parts.settings.callTimeoutMs, parts);
    this.input = input;
    this.resolve = resolve;
    this.reject = reject;
  }

  /** Makes the first try, now or once there is a provider. */
  start(): void {
    if (!this.enter()) return;
    const provider = this.another();
    if (provider !== undefined) this.tryOn(provider);
    else if (!this.isOver) this.awaitProvider(() => this.again(this.noProviders));
  }

  /** A try has its answer. */
  succeeded(attempt: UnaryTry, value: unknown): void {
    this.close(attempt, 'answered');
    for (const other of this.open) this.parts.calls.cancel(other);
    if (this.isOver) return;
    this.over();
    this.resolve(value);
  }

  /** A try has failed; another provider may do better. */
  tryFailed(attempt: UnaryTry, error: ProcedureError): void {
    const outcome = outcomeOf(error);
    this.close(attempt, outcome);
    if (this.isOver) return;
    // Such as `not-found`: the caller's to know, and no hedge says better.
    const isAnswer = outcome === 'answered';
    if (this.open.length > 0 && !isAnswer) {
      this.lastError = error;
      return;
    }
    for (const other of this.open) this.parts.calls.cancel(other);
    if (this.mayTryAgain && RETRYABLE.has(error.code)) this.again(error);
    else this.fail(error);
  }

  /** The connection under a try was lost. True when another provider has the call now. */
  tryLost(attempt: UnaryTry): boolean {
    if (!this.mayTryAgain || this.isOver) return false;
    const provider = this.another();
    if (provider === undefined || provider.address === attempt.to || !this.parts.providers.mayRetry()) return false;
    // It may come back, and its handler may be at work.
    this.parts.calls.cancel(attempt);
    this.close(attempt, 'unreachable');
    this.tryOn(provider);
    return true;
  }

  override expired(cause: ProcedureError | undefined = this.lastError): void {
    const text = `${this.procedure.fullName} had no answer in time`;
    this.fail(new ProcedureError('deadline-exceeded', text, { cause }), 'failed');
  }

  override aborted(reason: unknown): void {
    for (const attempt of this.open) this.parts.calls.cancel(attempt);
    this.fail(new ProcedureError('cancelled', `${this.procedure.fullName} was given up`, { cause: reason }));
  }

  /** The node makes no more calls. */
  stop(error: ProcedureError): void {
    this.fail(error);
  }

  /** No answer for so long that another provider is asked as well. */
  private hedged(): void {
    if (this.isOver || this.open.length !== 1 || !this.mayTryAgain) return;
    const provider = this.another();
    if (provider !== undefined && this.parts.providers.mayRetry()) this.tryOn(provider);
  }

  private get mayTryAgain(): boolean {
    return this.procedure.definition.idempotent && this.tries < MOST_TRIES && !this.parts.calls.isClosed;
  }

  /** A provider that was not tried yet. */
  private another(): Provider | undefined {
    if (this.tries > 0) this.tried ??= new Set([this.firstTried]);
    return this.picked(this.tried, this.procedure.definition.idempotent);
  }

  private again(error: ProcedureError): void {
    if (this.isOver) return;
    const { calls, providers } = this.parts;
    const provider = this.another();
    // The picker may have failed.
    if (this.isOver) return;
    if (calls.isClosed || (this.tries > 0 && !providers.mayRetry())) this.fail(error);
    else if (provider !== undefined) this.tryOn(provider);
    else if (this.tries > 0) this.pauseBehind(error);
    else this.fail(error);
  }

  /** All were tried: behind a pause any of them may be, as long as one is on offer. */
  private pauseBehind(error: ProcedureError): void {
    const { calls, providers } = this.parts;
    if (!providers.hasOffer()) {
      this.fail(error);
      return;
    }
    this.lastError = error;
    this.tried = new Set();
    const pause = pauseMs(FIRST_PAUSE_MS * 2 ** (this.tries - 1), calls.port.random());
    calls.resting.add(this);
    this.pause = this.later(calls.port.now() + pause, () => {
      calls.resting.delete(this);
      const provider = this.another();
      if (this.isOver) return;
      if (provider === undefined) this.fail(error);
      else this.tryOn(provider);
    });
  }

  private tryOn(provider: Provider): void {
    const { calls, providers, settings } = this.parts;
    const now = calls.port.now();
    const attempt = new UnaryTry(this, provider);
    calls.begin(attempt);
    const payload = this.payloadFor(attempt, now);
    if (payload === undefined) {
      calls.end(attempt);
      return;
    }
    this.open = this.open.length === 0 ? [attempt] : [...this.open, attempt];
    this.tries++;
    attempt.load = providers.begin(provider);
    const { idempotent } = this.procedure.definition;
    if (idempotent) {
      if (this.tries === 1) this.firstTried = provider.address;
      else this.tried?.add(provider.address);
      if (this.tries === 1 && settings.hedgeAfterMs !== undefined) {
        this.hedge = this.later(now + settings.hedgeAfterMs, () => this.hedged());
      }
    }
    calls.send(attempt, CALL, payload, Math.min(this.deadline, now + CONTROL_TIMEOUT_MS), attempt);
  }

  private payloadFor(attempt: UnaryTry, now: number): Uint8Array | undefined {
    const head = this.parts.calls.callHead(attempt, remainingMs(this.deadline, now), 0, this.metadata);
    const { sent } = this;
    if (sent !== undefined) {
      const item = sent.subarray(this.sentHeadLength);
      const payload = new Uint8Array(head.length + item.length);
      payload.set(head.bytes.subarray(0, head.length));
      payload.set(item, head.length);
      return payload;
    }
    try {
      const payload = payloadBehind(head.bytes, head.length, this.input);
      if (this.procedure.definition.idempotent) {
        this.sent = payload;
        this.sentHeadLength = head.length;
      }
      return payload;
    } catch (cause) {
      this.fail(new ProcedureError('invalid-argument', 'the input cannot travel as CBOR', { cause }));
      return undefined;
    }
  }

  private later(at: number, run: () => void): Later {
    const later = new Later(at, run);
    this.parts.calls.watch(later);
    return later;
  }

  private close(attempt: UnaryTry, outcome: CallOutcome): void {
    const { calls } = this.parts;
    if (!this.open.includes(attempt)) return;
    this.open = this.open.length === 1 ? NONE : this.open.filter((other) => other !== attempt);
    attempt.isClosed = true;
    calls.end(attempt);
    attempt.load?.end(outcome, calls.port.now());
  }

  protected override fail(error: ProcedureError, outcome: CallOutcome = 'given-up'): void {
    if (this.isOver) return;
    this.over(outcome);
    this.reject(error);
  }

  /** Nothing is under way any more. */
  private over(outcome: CallOutcome = 'given-up'): void {
    this.exit();
    if (this.hedge !== undefined) this.parts.calls.unwatch(this.hedge);
    if (this.pause !== undefined) {
      this.parts.calls.unwatch(this.pause);
      this.parts.calls.resting.delete(this);
    }
    while (this.open.length > 0) this.close(this.open[0]!, outcome);
  }
}

class UnaryTry implements Try, SendWaiter {
  id = 0;
  readonly to: DomusAddr;
  readonly procedure: Procedure;
  load: ProviderCall | undefined = undefined;
  isTaken = false;
  /** Its call goes on without it, or is over: what A1 says of its message says nothing any more. */
  isClosed = false;
  private readonly call: UnaryCall;

  constructor(call: UnaryCall, provider: Provider) {
    this.to = provider.address;
    this.procedure = call.procedure;
    this.call = call;
  }

  accepted(): void {
    this.isTaken = true;
    if (this.procedure.definition.kind === 'one-way' && !this.isClosed) this.call.succeeded(this, undefined);
  }

  failed(failure: SendFailure): void {
    if (this.isClosed || this.call.isExpiredBy(failure, this.to)) return;
    if (isOverdue(failure)) this.call.parts.calls.cancel(this);
    this.call.tryFailed(this, errorOfSend(failure, this.to));
  }

  answered(payload: Uint8Array, at: number): void {
    let value: unknown;
    try {
      value = this.procedure.parts.checkOutput(valueAt(payload, at));
    } catch (error) {
      this.call.tryFailed(this, misfit('output', error));
      return;
    }
    this.call.succeeded(this, value);
  }

  itemsIn(): void {
    this.call.parts.calls.cancel(this);
    this.broken(new ProcedureError('internal', 'items have come where one answer belongs'));
  }

  itemsEnded(): void {
    this.itemsIn();
  }

  creditIn(): void {}

  broken(error: ProcedureError): void {
    this.call.tryFailed(this, error);
  }

  lost(): boolean {
    return this.call.tryLost(this);
  }
}

/** Something to be done at a time, unless the call is over before. */
class Later implements Timed {
  deadline: number;
  isDue = false;
  dueBefore: Due | undefined = undefined;
  dueAfter: Due | undefined = undefined;
  readonly expired: () => void;

  constructor(at: number, run: () => void) {
    this.deadline = at;
    this.expired = run;
  }
}

/** Failures of a schema that could not judge what had come: who sent it has done its part. */
const unjudged = new WeakSet<ProcedureError>();

/**
 * What a value that does not fit means: at the callee the caller's mistake, at the caller the provider's. A schema that could not
 * judge it is the mistake of who has it: `internal`, with what it threw as cause.
 */
export function misfit(what: 'input' | 'output', error: unknown): ProcedureError {
  if (isJudgement(error)) {
    const text = `the ${what}${error.message.replace(/^decode-failure: the (message|payload)/, '')}`;
    if (what === 'input') return new ProcedureError('invalid-argument', text);
    return new ProcedureError('internal', text, { cause: error });
  }
  const failure = DomusError.is(error) ? error : undefined;
  const why = failure?.message.slice(failure.kind.length) ?? '';
  const fault = new ProcedureError('internal', `the ${what} could not be checked${why}`, {
    cause: failure?.cause ?? error,
  });
  unjudged.add(fault);
  return fault;
}

/** How a failure counts for the provider. */
export function outcomeOf(error: ProcedureError): CallOutcome {
  const { code, cause } = error;
  if (code === 'cancelled') return 'given-up';
  if (unjudged.has(error)) return 'answered';
  // Too large for a message: no provider has seen it.
  if (DomusError.is(cause) && cannotTravel(cause)) return 'given-up';
  // One that is going away says so, and is no longer offered once the others have heard.
  if (code === 'unavailable') return isTold(error) ? 'given-up' : 'unreachable';
  return FAULTS.has(code) ? 'failed' : 'answered';
}
