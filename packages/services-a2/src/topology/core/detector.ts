/**
 * Finds out whether a node that did not accept is dead, as SWIM does: asks others to probe it, probes it again itself, and
 * suspects it where nobody reached it (topology, detector).
 *
 * 1. At most one check of a node runs at a time, and it ends in time.
 * 2. A failure that says more of this node than of the other leads to no suspicion.
 */
import type { LocalHealth } from './local-health.ts';
import type { Membership } from './membership.ts';
import { MESSAGE } from './message-types.ts';
import { encodeProbeRequest, encodeProbeResult } from './messages.ts';
import { isGone } from './node-table.ts';
import { type Outbox, type Outcome, UNWATCHED } from './outbox.ts';
import type { TopologySettings } from './settings.ts';

interface Check {
  readonly token: number;
  readonly address: string;
  readonly nodeId: string;
  readonly incarnation: number;
  readonly deadline: number;
  /** The helpers that may say that they have reached it. */
  readonly asked: readonly string[];
}

/** Probes that run for others at a time. */
const MOST_FOR_OTHERS = 32;
const NOTHING = new Uint8Array(0);

export class Detector {
  private readonly checks: Map<string, Check> = new Map();
  private lastToken = 0;
  private forOthers = 0;
  private readonly settings: TopologySettings;
  private readonly membership: Membership;
  private readonly outbox: Outbox;
  private readonly health: LocalHealth;
  private readonly random: () => number;

  constructor(parts: {
    readonly settings: TopologySettings;
    readonly membership: Membership;
    readonly outbox: Outbox;
    readonly health: LocalHealth;
    readonly random: () => number;
  }) {
    this.settings = parts.settings;
    this.membership = parts.membership;
    this.outbox = parts.outbox;
    this.health = parts.health;
    this.random = parts.random;
  }

  /** The address did not accept: asks some of `helpers` to probe it. */
  check(address: string, helpers: readonly string[], now: number): void {
    const entry = this.membership.table.liveAt(address);
    if (entry === undefined || entry.signed === this.membership.own || this.checks.has(address)) return;
    const { nodeId, incarnation } = entry.signed.record;
    const deadline = now + this.settings.probePeriodMs * this.health.factor;
    this.lastToken = (this.lastToken + 1) >>> 0;
    this.outbox.post(address, MESSAGE.probe, NOTHING, deadline, this.reaching(address));
    const asked = pick(
      helpers.filter((helper) => helper !== address),
      this.settings.indirectProbes,
      this.random,
    );
    const check: Check = { token: this.lastToken, address, nodeId, incarnation, deadline, asked };
    this.checks.set(address, check);
    const silent: Outcome = { delivered: () => {}, failed: () => this.health.bad() };
    for (const helper of asked) {
      this.outbox.post(helper, MESSAGE.probeRequest, encodeProbeRequest(check.token, address), deadline, silent);
    }
  }

  /** Somebody has heard from the node at this address. */
  reached(address: string): void {
    this.checks.delete(address);
  }

  /** Somebody says whether it reached the node; only those who were asked are believed. */
  result(from: string, token: number, reached: boolean): void {
    if (!reached) return;
    for (const { address, token: asks, asked } of this.checks.values()) {
      if (asks === token && asked.includes(from)) this.checks.delete(address);
    }
  }

  /** Probes a node for another one; only members are probed, so nobody can be made to dial strangers. */
  help(asker: string, token: number, address: string, now: number): void {
    const answer = (reached: boolean, at: number): void => {
      const deadline = at + this.settings.probePeriodMs;
      this.outbox.post(asker, MESSAGE.probeResult, encodeProbeResult(token, reached), deadline, UNWATCHED);
    };
    if (this.membership.table.liveAt(address) === undefined || this.forOthers >= MOST_FOR_OTHERS) {
      answer(false, now);
      return;
    }
    this.forOthers += 1;
    const done = (reached: boolean, at: number): void => {
      this.forOthers -= 1;
      answer(reached, at);
    };
    this.outbox.post(address, MESSAGE.probe, NOTHING, now + this.settings.probeTimeoutMs, {
      delivered: (at) => done(true, at),
      failed: (failure, at) => done(failure === 'rejected', at),
    });
  }

  nextDeadline(): number {
    let next = Number.POSITIVE_INFINITY;
    for (const { deadline } of this.checks.values()) next = Math.min(next, deadline);
    return next;
  }

  /** Suspects those whom nobody has reached. */
  tick(now: number): void {
    for (const check of this.checks.values()) {
      if (now < check.deadline) continue;
      this.checks.delete(check.address);
      const entry = this.membership.table.liveAt(check.address);
      if (entry === undefined || isGone(entry) || entry.signed.record.incarnation !== check.incarnation) continue;
      if (entry.signed.record.nodeId !== check.nodeId) continue;
      this.membership.suspect(entry, this.membership.own.record.nodeId, '', now);
    }
  }

  private reaching(address: string): Outcome {
    return {
      delivered: () => this.reached(address),
      failed: (failure) => {
        if (failure === 'rejected' || failure === 'inconclusive') this.reached(address);
      },
    };
  }
}

/** Some of a list, at random. */
export function pick<Item>(items: readonly Item[], count: number, random: () => number): Item[] {
  const pool = [...items];
  const wanted = Math.min(count, pool.length);
  for (let index = 0; index < wanted; index++) {
    const other = index + (random() % (pool.length - index));
    const item = pool[other]!;
    pool[other] = pool[index]!;
    pool[index] = item;
  }
  return pool.slice(0, wanted);
}
