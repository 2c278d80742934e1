/** How a client chooses one of several providers (a2-services, providers and picking). */
import { DomusError } from '@flaminia/transport-a0';
import { dropPromise } from '@flaminia/transport-a0/internal';
import type { Provider } from './provider.ts';

/** What this client has under way with a provider, and how fast it was. */
export interface ProviderLoad {
  /** Calls of this client. */
  readonly inFlight: number;
  /** Moving average of answer times; fades while nothing is measured. Undefined before the first answer. */
  readonly latencyMs: number | undefined;
}

/** The call that a provider is wanted for. */
export interface PickContext {
  /** `service/version`. */
  readonly service: string;
  /** Its name within the service. */
  readonly procedure: string;
  /** What calls that belong together have in common, for {@link sticky}. */
  readonly key?: string | undefined;
  /** Addresses that this call has been tried at; they are not among the peers. */
  readonly exclude?: ReadonlySet<string> | undefined;
  /** A random u32. */
  random(): number;
  /** What this client knows of a provider. */
  loadOf(provider: Provider): ProviderLoad;
}

/** Chooses the provider of each call: `roundRobin()`, `random()`, `leastLoaded()`, `sticky()`, or one of your own. */
export interface Picker {
  /**
   * One of the peers, as it stands in the list; undefined refuses the call with `no-providers`. Answers at once.
   *
   * @param peers who may be called: never empty, by address, each once. A snapshot that is not to be changed.
   */
  pick(peers: readonly Provider[], call: PickContext): Provider | undefined;
}

/**
 * Asks a picker, without what the call has been tried at. Undefined where nobody is left or the picker wants none of them.
 * A picker that throws, or answers with something that was not in the list, is `invalid-config` with the detail `picker`.
 */
export function pickProvider(picker: Picker, peers: readonly Provider[], call: PickContext): Provider | undefined {
  const { exclude } = call;
  const left =
    exclude === undefined || exclude.size === 0 ? peers : peers.filter(({ address }) => !exclude.has(address));
  if (left.length === 0) return undefined;
  let picked: Provider | undefined;
  try {
    picked = picker.pick(left, call);
  } catch (cause) {
    throw new DomusError('invalid-config', 'the picker has thrown', {
      endpoint: call.service,
      detail: 'picker',
      cause,
    });
  }
  if (picked === undefined || left.includes(picked)) return picked;
  dropPromise(picked);
  const text = 'the picker must answer with a provider of the list, or undefined';
  throw new DomusError('invalid-config', text, { endpoint: call.service, detail: 'picker' });
}
