/**
 * What calls of every kind share from the moment that the program makes them: their deadline, the signals that end them, and
 * the wait for a first provider. How many tries they make, and what an answer is, each kind decides.
 *
 * 1. Between `enter` and `exit` a call hears of its deadline and of its signals; `isOver` is set at the end of that, for good.
 */
import type { DomusAddr } from '@flaminia/transport-a0';
import type { SendFailure } from '../port.ts';
import type { Provider } from '../providers/provider.ts';
import type { Abortable } from '../signal-watch.ts';
import { checkCallOptions, deadlineOf, signalsOf } from './call-limits.ts';
import { metadataItem } from './call-metadata.ts';
import type { CallOptions } from './call-types.ts';
import { errorOfSend, type Timed } from './calls.ts';
import type { CallParts } from './client-options.ts';
import type { Due } from './core/deadlines.ts';
import { ProcedureError } from './procedure-error.ts';
import type { ProvidersAwaited } from './provider-source.ts';
import { isOverdue } from './send-waiters.ts';
import type { Procedure } from './service.ts';

export abstract class PendingCall implements Timed, Abortable {
  deadline: number;
  isDue = false;
  dueBefore: Due | undefined = undefined;
  dueAfter: Due | undefined = undefined;
  readonly procedure: Procedure;
  readonly parts: CallParts;
  protected readonly metadata: Uint8Array | undefined;
  protected isOver = false;
  private isCounted = false;
  private awaited: ProvidersAwaited | undefined = undefined;
  private readonly key: string | undefined;
  private readonly signals: readonly AbortSignal[];

  /** `defaultMs`: the limit of a call that says none; Infinity for no limit. Throws for options that a call cannot have. */
  constructor(procedure: Procedure, options: CallOptions | undefined, defaultMs: number, parts: CallParts) {
    if (options !== undefined) checkCallOptions(options);
    this.procedure = procedure;
    this.parts = parts;
    this.key = options?.key;
    this.signals = signalsOf(options);
    this.metadata = options === undefined ? undefined : metadataItem(options.metadata, options.parent);
    this.deadline = deadlineOf(options, defaultMs, parts.calls.port.now());
  }

  /** Its time is over. `cause`: what has failed at that. */
  abstract expired(cause?: ProcedureError): void;
  abstract aborted(reason: unknown): void;

  /** The call fails here, whatever is under way. */
  protected abstract fail(error: ProcedureError): void;

  /** False where the call is over before it has begun. */
  protected enter(): boolean {
    const { calls, providers } = this.parts;
    // Part of a call whose own time is over.
    if (this.deadline <= calls.port.now()) {
      this.expired();
      return false;
    }
    for (const signal of this.signals) {
      if (signal.aborted) {
        this.aborted(signal.reason);
        return false;
      }
      calls.signals.add(signal, this);
    }
    calls.watch(this);
    calls.underWay++;
    this.isCounted = true;
    providers.called();
    return true;
  }

  /** Hears of nothing any more. */
  protected exit(): void {
    this.isOver = true;
    const { calls } = this.parts;
    if (this.isCounted) calls.underWay--;
    calls.unwatch(this);
    this.awaited?.cancel?.();
    for (const signal of this.signals) calls.signals.delete(signal, this);
  }

  /** A message was not taken while the call had time; true where that has ended it. Who saw it first, A1 or the call, is no matter. */
  isExpiredBy(failure: SendFailure, to: DomusAddr): boolean {
    if (!isOverdue(failure) || this.deadline > this.parts.calls.port.now()) return false;
    this.expired(errorOfSend(failure, to));
    return true;
  }

  /**
   * A provider for the next try, if any; fails the call where the picker fails. `mayProbe`: it may be one that was ejected, since
   * the call can be made again.
   */
  protected picked(exclude: ReadonlySet<string> | undefined, mayProbe: boolean): Provider | undefined {
    try {
      return this.parts.providers.pick({ procedure: this.procedure.name, key: this.key, exclude, mayProbe });
    } catch (cause) {
      this.fail(ProcedureError.is(cause) ? cause : new ProcedureError('internal', 'the picker failed', { cause }));
      return undefined;
    }
  }

  /** Goes on once there is a provider; fails the call where none comes in time. */
  protected awaitProvider(found: () => void): void {
    const { calls, providers } = this.parts;
    const left = Math.min(this.deadline - calls.port.now(), Number.MAX_SAFE_INTEGER);
    // The wait ends with the time of the call, and then says why that has passed.
    calls.unwatch(this);
    this.awaited = providers.wait(left);
    this.awaited.then(
      () => {
        if (this.isOver) return;
        calls.watch(this);
        found();
      },
      (error: ProcedureError) => {
        if (this.deadline <= calls.port.now()) this.expired(error);
        else this.fail(error);
      },
    );
  }

  /** What a call without provider ends with. */
  protected get noProviders(): ProcedureError {
    return new ProcedureError('no-providers', `nobody provides ${this.procedure.service.taberna.name}`);
  }
}
