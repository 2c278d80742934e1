/** Where calls get their providers from, and what they tell about them. */
import type { ProviderCall } from '../providers/core/provider-table.ts';
import type { Provider } from '../providers/provider.ts';

/** What a call is, for whoever picks its provider. */
export interface ProviderQuestion {
  readonly procedure: string;
  readonly key: string | undefined;
  /** Addresses that this call has tried already. */
  readonly exclude: ReadonlySet<string> | undefined;
  /** The call may try an ejected provider, because it can be made again. */
  readonly mayProbe: boolean;
}

/** Who waits for providers goes on as with any promise. */
export interface ProvidersAwaited extends Promise<void> {
  /** Nobody waits any more: what is kept for it is given back, and it does not settle. Idempotent. */
  cancel?(): void;
}

export interface ProviderSource {
  /** A provider that may be called now; undefined when there is none. Throws a `ProcedureError` for a picker that fails. */
  pick(question: ProviderQuestion): Provider | undefined;
  /** Resolves once there is a provider; rejects with `no-providers`, at the limit or before. */
  wait(limitMs: number): ProvidersAwaited;
  /** A try begins; its end is to be told. */
  begin(provider: Provider): ProviderCall;
  /** A call is made that is no try again. */
  called(): void;
  /** There is a provider that may be called now, tried or not. */
  hasOffer(): boolean;
  /** Takes one try again out of the budget; false when that is spent. */
  mayRetry(): boolean;
}
