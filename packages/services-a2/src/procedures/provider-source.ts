/** Where calls get their providers from, and what they tell about them. */
import type { DomusAddr } from '@flaminia/transport-a0';

/** A provider as a call sees it. */
export interface CallProvider {
  readonly address: DomusAddr;
}

/** What a call is, for whoever picks its provider. */
export interface PickRequest {
  readonly procedure: string;
  readonly key: string | undefined;
  /** Addresses that this call has tried already. */
  readonly exclude: ReadonlySet<string> | undefined;
}

/** How a try ended, as far as it tells something about the provider. */
export type TryOutcome = 'answered' | 'failed' | 'unreachable' | 'given-up';

export interface ProviderSource {
  /** A provider that may be called now; undefined when there is none. Throws a `ProcedureError` for a picker that fails. */
  pick(request: PickRequest): CallProvider | undefined;
  /** Resolves once there is a provider; rejects with `no-providers`, or when the signal ends. */
  wait(limitMs: number, signal: AbortSignal | undefined): Promise<void>;
  began(provider: CallProvider): void;
  ended(provider: CallProvider, outcome: TryOutcome, elapsedMs: number): void;
  /** Takes one try again out of the budget; false when that is spent. */
  mayRetry(): boolean;
}
