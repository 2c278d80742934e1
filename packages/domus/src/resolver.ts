/** Routes: which domus (node) hosts a taberna (inbox). */
import { type DomusAddr, outOfRange, parseDestination } from '@flaminia/transport-a0';
import { type AnyEndpoint, type EndpointId, tabernaNumber } from './endpoint.ts';

/** Turns a taberna id into the address of the domus that hosts it. Asked after the own tabernae. */
export interface RouteResolver {
  /**
   * The address for an id; undefined where there is none, which fails the send with `unknown-taberna`. A throw or a
   * rejection fails it with `peer-unavailable`. The signal ends when nobody waits for the answer any more.
   */
  resolve(
    tabernaId: bigint,
    options: { readonly signal: AbortSignal },
  ): DomusAddr | undefined | Promise<DomusAddr | undefined>;
  /**
   * Rises whenever an earlier answer may have become wrong. A resolver that has it promises that its synchronous answers
   * hold until then, so that they may be kept; one without it is asked for every message.
   */
  readonly version?: number | undefined;
}

/** Where a route leads from: an endpoint of any messages, or an id. */
export type RouteKey = AnyEndpoint | EndpointId;

/** A resolver that is a table, which the application may change at any time. */
export class SimpleResolver implements RouteResolver {
  private readonly routes = new Map<bigint, DomusAddr>();
  private changes = 0;

  /** @param routes the first entries, as for {@link set}; of two with one id the later counts. `invalid-config` for anything but pairs. */
  constructor(routes: Iterable<readonly [RouteKey, DomusAddr]> = []) {
    for (const route of pairsOf(routes)) {
      if (!Array.isArray(route)) throw outOfRange('route', 'a pair of an endpoint or id and an address', route);
      this.set(route[0], route[1]);
    }
  }

  /** The number of changes so far. */
  get version(): number {
    return this.changes;
  }

  /** The address for an id, in its canonical form. */
  resolve(tabernaId: bigint): DomusAddr | undefined {
    return this.routes.get(tabernaId);
  }

  /** Adds or replaces a route. An address or id that is none is `invalid-config`, and changes nothing. */
  set(key: RouteKey, address: DomusAddr): this {
    const id = idOf(key);
    const canonical = parseDestination(address).text;
    if (this.routes.get(id) !== canonical) {
      this.routes.set(id, canonical);
      this.changes += 1;
    }
    return this;
  }

  /** Removes a route; false where there was none. */
  delete(key: RouteKey): boolean {
    const removed = this.routes.delete(idOf(key));
    if (removed) this.changes += 1;
    return removed;
  }

  /** All routes, as taberna id and canonical address, in the order in which the ids were first set. */
  entries(): IterableIterator<[bigint, DomusAddr]> {
    return this.routes.entries();
  }
}

/** A text is iterable too, and its letters are no routes. */
function pairsOf(routes: Iterable<readonly [RouteKey, DomusAddr]>): Iterable<readonly [RouteKey, DomusAddr]> {
  if (typeof routes === 'object' && typeof routes?.[Symbol.iterator] === 'function') return routes;
  throw outOfRange('routes', 'a list of pairs of an endpoint or id and an address', routes);
}

function idOf(key: RouteKey): bigint {
  if (typeof key !== 'object') return tabernaNumber(key);
  if (typeof key?.id === 'bigint') return key.id;
  throw outOfRange('key of a route', 'an endpoint or its id', key);
}
