/** What every way of finding peers offers (a2-services, providers and picking). */
import { type DomusAddr, outOfRange } from '@flaminia/transport-a0';
import type { HealthState } from '../health/health-state.ts';
import type { Clock } from '../port.ts';

/** A peer that a discovery has found, or that a node announces of itself. Claims: only a certificate proves who it is. */
export interface DiscoveredPeer {
  readonly address: DomusAddr;
  /** Undefined where the discovery does not tell. */
  readonly nodeId: string | undefined;
  readonly nodeType: string | undefined;
  /** What it provides, each as `service/version`; nobody calls a peer that is not listed for the service. */
  readonly services: readonly string[];
  readonly health: HealthState;
  readonly metadata: Readonly<Record<string, string>>;
}

/** One change of what a discovery knows. */
export type DiscoveryChange =
  | { readonly kind: 'found'; readonly peer: DiscoveredPeer }
  | { readonly kind: 'changed'; readonly peer: DiscoveredPeer }
  | { readonly kind: 'gone'; readonly peer: DiscoveredPeer }
  /**
   * The source cannot be reached, or can again; what was known stays known. Told again when the reason changes, and told
   * first to who subscribes while it lasts.
   */
  | { readonly kind: 'degraded'; readonly reason: string }
  | { readonly kind: 'restored' };

/** What an imperium gives to a discovery that starts. */
export interface DiscoveryHost {
  /** The address of the own domus; a discovery leaves it out of `peers()`. */
  readonly address: DomusAddr;
  /** What this node says of itself now. Nothing is announced for a node without services. */
  announcement(): DiscoveredPeer;
  /** What the discovery takes its time from; the clock of the process where it is absent. */
  readonly clock?: Clock;
  /** A random u32, for jitter; the process's own where it is absent. */
  random?(): number;
}

/** A source of peers. */
export interface Discovery {
  /** A stable word for the kind of source: `static`, `mdns`, `dns-srv`, `etcd`, `topology`, `combined`. */
  readonly serviceType: string;
  /** What is known now, as a fresh array in a stable order. */
  peers(): readonly DiscoveredPeer[];
  readonly peerCount: number;
  /**
   * Begins to look and to announce. Resolves once it runs, though its source may not be reachable yet: that is a
   * `degraded` change. A second call is `invalid-state`.
   */
  start(host: DiscoveryHost): Promise<void>;
  /** The own announcement has changed. */
  announce(): void;
  /** Withdraws the announcement and lets go of every socket and timer. Idempotent. */
  stop(): Promise<void>;
  /**
   * Changes from now on. Ends quietly with the signal or with `stop`. A slow reader gets one net change per peer; none is
   * lost and none piles up.
   */
  changes(options?: { readonly signal?: AbortSignal }): AsyncIterable<DiscoveryChange>;
}

const METHODS = ['peers', 'start', 'announce', 'stop', 'changes'] as const;

/** Whether something has the methods of a discovery. */
export function isDiscovery(given: unknown): given is Discovery {
  const candidate = (given ?? {}) as Partial<Discovery>;
  return METHODS.every((name) => typeof candidate[name] === 'function');
}

/** Throws `invalid-config` for what is no discovery. */
export function requireDiscovery(field: string, given: unknown): void {
  if (!isDiscovery(given)) throw outOfRange(field, `a discovery, with ${METHODS.join(', ')}`, given);
}
