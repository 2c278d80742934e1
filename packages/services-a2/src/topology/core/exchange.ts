/**
 * Makes two tables the same: digests first, then the names in what differs, then the records (topology, comparing). Whoever
 * begins drives it, and keeps its state; the other side only answers.
 *
 * 1. What travels grows with what differs, not with the tables; each message is bounded.
 * 2. An answer counts once, and only where it was asked for; what one asks of us is bounded by itself and by our table.
 * 3. It ends: with equal tables, with a round that repeats the one before, after `ROUNDS_MAX`, or with a silence.
 */
import { bucketOf } from './digest.ts';
import { DIFFERENCES_MAX_BYTES, EXCHANGE_FACTS_MAX_BYTES, WANTS_MAX } from './limits.ts';
import type { Membership } from './membership.ts';
import { MESSAGE, type MessageType } from './message-types.ts';
import * as messages from './messages.ts';
import { type Entry, isGone, nameOf } from './node-table.ts';
import type { Failure, Outbox } from './outbox.ts';

/** How an exchange ended; `moved`: how many facts were new to this node or sent to the other. */
export type ExchangeEnd =
  | { readonly kind: 'equal'; readonly moved: number }
  | { readonly kind: 'failed'; readonly failure: Failure };

/** One who wants to know how an exchange ended, and until when; it may go on for others. */
interface Waiter {
  readonly until: number;
  ended(end: ExchangeEnd, now: number): void;
}

interface Exchange {
  readonly peer: string;
  readonly token: number;
  /** Those who come later wait for the one that runs. Without any it ends. */
  waiters: Waiter[];
  /** The type of the answer that is due. */
  awaits: MessageType | undefined;
  /** Without an answer by then it has failed. */
  deadline: number;
  rounds: number;
  moved: number;
  /** What the last comparison found, to notice that it finds the same again. */
  found: string;
  toSend: string[];
  wants: string[];
}

/** Messages of one exchange: enough for 100,000 records. */
const ROUNDS_MAX = 4096;
const UNANSWERED: ExchangeEnd = { kind: 'failed', failure: 'unreachable' };

export class Exchanges {
  private readonly running: Map<string, Exchange> = new Map();
  private lastToken = 0;
  private readonly membership: Membership;
  private readonly outbox: Outbox;
  private readonly timeoutMs: number;
  private readonly outbid: (now: number) => void;

  /** `outbid`: refutes what has just been claimed of this node, so that the answer can say so. */
  constructor(membership: Membership, outbox: Outbox, timeoutMs: number, outbid: (now: number) => void) {
    this.outbid = outbid;
    this.membership = membership;
    this.outbox = outbox;
    this.timeoutMs = timeoutMs;
  }

  get count(): number {
    return this.running.size;
  }

  isRunning(peer: string): boolean {
    return this.running.has(peer);
  }

  /** Begins, or joins the one that runs with this peer. At `until` it has failed for this one, whoever else waits. */
  start(
    peer: string,
    now: number,
    ended: (end: ExchangeEnd, now: number) => void,
    until: number = Number.POSITIVE_INFINITY,
  ): void {
    const running = this.running.get(peer);
    if (running !== undefined) {
      running.waiters.push({ until, ended });
      return;
    }
    this.lastToken = (this.lastToken + 1) >>> 0;
    const exchange: Exchange = {
      peer,
      token: this.lastToken,
      waiters: [{ until, ended }],
      awaits: undefined,
      deadline: 0,
      rounds: 0,
      moved: 0,
      found: '',
      toSend: [],
      wants: [],
    };
    this.running.set(peer, exchange);
    this.compare(exchange, now);
  }

  nextDeadline(): number {
    let next = Number.POSITIVE_INFINITY;
    for (const { deadline, waiters } of this.running.values()) {
      next = Math.min(next, deadline);
      for (const { until } of waiters) next = Math.min(next, until);
    }
    return next;
  }

  tick(now: number): void {
    for (const exchange of this.running.values()) {
      if (now >= exchange.deadline) this.end(exchange, UNANSWERED, now);
      else this.tellLate(exchange, now);
    }
  }

  /** Answers a comparison with what is held in the buckets that differ, as many as fit. */
  answerCompare(peer: string, payload: Uint8Array, now: number): void {
    const { token, digests } = messages.decodeCompare(payload);
    const { table } = this.membership;
    const differing = [...digests.keys()].filter((bucket) => digests[bucket] !== table.digest.buckets[bucket]);
    const listings: Uint8Array[] = [];
    let size = 0;
    for (const [bucket, entries] of table.inBuckets(differing)) {
      const listing = messages.encodeListing({ bucket, names: entries.map(nameOf) });
      if (listings.length > 0 && size + listing.length > DIFFERENCES_MAX_BYTES) break;
      listings.push(listing);
      size += listing.length;
    }
    this.answer(peer, MESSAGE.differences, messages.encodeDifferences(token, listings), now);
  }

  differences(peer: string, payload: Uint8Array, now: number): void {
    const { token, listings } = messages.decodeDifferences(payload);
    const exchange = this.answered(peer, token, MESSAGE.differences);
    if (exchange === undefined) return;
    const ours = this.membership.table.inBuckets(listings.map(({ bucket }) => bucket));
    for (const listing of listings) {
      const held = ours.get(listing.bucket);
      // A bucket that is listed twice counts once.
      ours.delete(listing.bucket);
      if (held !== undefined) this.settle(exchange, listing, held);
    }
    const found = `${exchange.toSend.join()} ${exchange.wants.join()}`;
    if (found === ' ' || found === exchange.found) {
      this.end(exchange, { kind: 'equal', moved: exchange.moved }, now);
      return;
    }
    exchange.found = found;
    this.step(exchange, now);
  }

  /** Takes in an answer, or answers: with the records that are wanted, and with what is known better. */
  exchange(peer: string, payload: Uint8Array, now: number): void {
    const message = messages.decodeExchange(payload);
    if (message.isAnswer) {
      const exchange = this.answered(peer, message.token, MESSAGE.exchange);
      if (exchange === undefined) return;
      exchange.moved += this.takeIn(message.facts, peer, now).fresh;
      // Who looks at none of what is wanted has none of it.
      exchange.wants.splice(0, message.served > 0 ? message.served : exchange.wants.length);
      this.step(exchange, now);
      return;
    }
    const { better } = this.takeIn(message.facts, peer, now);
    this.outbid(now);
    const packed = this.pack([...better, ...message.wants], now);
    const served = Math.max(0, packed.taken - better.length);
    const head = { token: message.token, isAnswer: true, served };
    this.answer(peer, MESSAGE.exchange, messages.encodeExchange(head, packed.facts, []), now);
  }

  private compare(exchange: Exchange, now: number): void {
    const { buckets } = this.membership.table.digest;
    this.post(exchange, MESSAGE.compare, messages.encodeCompare(exchange.token, buckets), now);
  }

  /** Sends the next part, or compares again where there is none. */
  private step(exchange: Exchange, now: number): void {
    if (exchange.toSend.length === 0 && exchange.wants.length === 0) {
      this.compare(exchange, now);
      return;
    }
    const packed = this.pack(exchange.toSend, now);
    exchange.toSend.splice(0, packed.taken);
    exchange.moved += packed.facts.length;
    const wants = exchange.wants.slice(0, WANTS_MAX);
    const head = { token: exchange.token, isAnswer: false, served: 0 };
    this.post(exchange, MESSAGE.exchange, messages.encodeExchange(head, packed.facts, wants), now);
  }

  /** Decides for each name of a bucket who has to tell whom. */
  private settle(exchange: Exchange, { bucket, names }: messages.BucketListing, held: readonly Entry[]): void {
    const { table } = this.membership;
    const listed = new Set<string>();
    for (const theirs of names) {
      if (bucketOf(theirs.key) !== bucket || listed.has(theirs.key)) continue;
      listed.add(theirs.key);
      const entry = table.withKey(theirs.key);
      const ours = entry === undefined ? undefined : nameOf(entry);
      if (ours === undefined || ours.incarnation < theirs.incarnation) exchange.wants.push(theirs.key);
      else if (ours.incarnation > theirs.incarnation) exchange.toSend.push(theirs.key);
      else if (ours.stampHi !== theirs.stampHi || ours.stampLo !== theirs.stampLo) {
        exchange.toSend.push(theirs.key);
        exchange.wants.push(theirs.key);
      }
    }
    for (const { signed } of held) if (!listed.has(signed.key)) exchange.toSend.push(signed.key);
  }

  private takeIn(
    facts: readonly messages.Fact[],
    peer: string,
    now: number,
  ): { readonly fresh: number; readonly better: string[] } {
    let fresh = 0;
    const better: string[] = [];
    for (const fact of facts) {
      const learnt = this.membership.learn(fact, peer, now);
      if (learnt === 'new') fresh += 1;
      const key = learnt === 'older' ? this.membership.keyOf(fact) : undefined;
      if (key !== undefined) better.push(key);
    }
    return { fresh, better };
  }

  /** Facts of the first keys, as many as fit; `taken` counts keys. */
  private pack(keys: readonly string[], now: number): { readonly facts: Uint8Array[]; readonly taken: number } {
    const facts: Uint8Array[] = [];
    let size = 0;
    let taken = 0;
    for (const key of keys) {
      const entry = this.membership.table.withKey(key);
      const fact = entry === undefined ? undefined : messages.encodeFact(recordFact(entry, now));
      if (fact !== undefined) {
        if (facts.length > 0 && size + fact.length > EXCHANGE_FACTS_MAX_BYTES) break;
        facts.push(fact);
        size += fact.length;
      }
      taken += 1;
    }
    return { facts, taken };
  }

  /** The exchange that waits for this answer, once: it waits for it no more. */
  private answered(peer: string, token: number, type: MessageType): Exchange | undefined {
    const exchange = this.running.get(peer);
    if (exchange?.token !== token || exchange.awaits !== type) return undefined;
    exchange.awaits = undefined;
    return exchange;
  }

  private post(exchange: Exchange, type: MessageType, payload: Uint8Array, now: number): void {
    exchange.rounds += 1;
    if (exchange.rounds > ROUNDS_MAX) {
      this.end(exchange, { kind: 'failed', failure: 'inconclusive' }, now);
      return;
    }
    exchange.awaits = type === MESSAGE.compare ? MESSAGE.differences : type;
    // The answer is given as long again as the message.
    exchange.deadline = now + this.timeoutMs * 2;
    this.outbox.post(exchange.peer, type, payload, now + this.timeoutMs, {
      delivered: () => {},
      failed: (failure, at) => {
        if (this.running.get(exchange.peer) === exchange) this.end(exchange, { kind: 'failed', failure }, at);
      },
    });
  }

  private answer(peer: string, type: MessageType, payload: Uint8Array, now: number): void {
    this.outbox.post(peer, type, payload, now + this.timeoutMs, { delivered: () => {}, failed: () => {} });
  }

  private end(exchange: Exchange, end: ExchangeEnd, now: number): void {
    this.running.delete(exchange.peer);
    for (const waiter of exchange.waiters) waiter.ended(end, now);
  }

  /** Tells those who waited long enough that it has failed. */
  private tellLate(exchange: Exchange, now: number): void {
    const late = exchange.waiters.filter(({ until }) => now >= until);
    if (late.length === 0) return;
    exchange.waiters = exchange.waiters.filter(({ until }) => now < until);
    if (exchange.waiters.length === 0) this.running.delete(exchange.peer);
    for (const waiter of late) waiter.ended(UNANSWERED, now);
  }
}

/** All that is known of a node's record and end. */
export function recordFact(entry: Entry, now: number): messages.Fact {
  const gone = isGone(entry);
  return {
    kind: 'record',
    bytes: entry.signed.bytes,
    claimer: gone ? (entry.claimer ?? '') : undefined,
    ageMs: gone ? now - entry.goneAt : 0,
  };
}
