/** Messages and blob streams in any number from one domus to another, and the judgement on how they ended. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Random } from '@flaminia/testkit';
import { type DomusAddr, DomusError } from '@flaminia/transport-a0';
import type { Domus } from '../src/domus.ts';
import { Entries, type Ledger, Streams } from './ledger.ts';

const LONGEST_MESSAGE = 20_000;
const LONGEST_STREAM = 300_000;

/** How one send or one stream stands. */
export interface Outcome {
  readonly key: string;
  /** Of a stream. */
  readonly sha256: string | undefined;
  state: 'pending' | 'resolved' | DomusError;
  settled: number;
}

/** What a load is made of. */
export interface LoadShape {
  /** Keys begin with it. */
  readonly name: string;
  readonly random: Random;
  /** Sends and streams at once. */
  readonly messages: number;
  readonly streams: number;
  /** Told of every outcome. */
  readonly settled?: (outcome: Outcome) => void;
}

/** The seed of a test with faults: that of a failure, given in the environment, or the usual one. */
export function seedOf(usual: number): number {
  return Number(process.env.FLAMINIA_SEED ?? usual);
}

/** A load that goes on until it is stopped. */
export class Load {
  readonly messages: Outcome[] = [];
  readonly streams: Outcome[] = [];
  private readonly from: Domus;
  private readonly to: DomusAddr;
  private readonly shape: LoadShape;
  private readonly lanes: Promise<void>[];
  private isOver = false;

  constructor(from: Domus, to: DomusAddr, shape: LoadShape) {
    this.from = from;
    this.to = to;
    this.shape = shape;
    this.lanes = [
      ...Array.from({ length: shape.messages }, () => this.lane(() => this.send())),
      ...Array.from({ length: shape.streams }, () => this.lane(() => this.stream())),
    ];
  }

  /** How many have ended well. */
  get done(): { readonly messages: number; readonly streams: number } {
    return { messages: countOf(this.messages), streams: countOf(this.streams) };
  }

  /** Begins nothing more, and waits for what is under way. */
  async stop(): Promise<void> {
    this.isOver = true;
    await Promise.all(this.lanes);
  }

  private async lane(next: () => Promise<void>): Promise<void> {
    while (!this.isOver) await next();
  }

  private async send(): Promise<void> {
    const { name, random } = this.shape;
    const outcome: Outcome = {
      key: `${name}-${this.messages.length}`,
      sha256: undefined,
      state: 'pending',
      settled: 0,
    };
    this.messages.push(outcome);
    const pad = 'x'.repeat(random.skewed(0, LONGEST_MESSAGE));
    await this.settle(outcome, this.from.send(Entries, { key: outcome.key, pad }, { to: this.to, whenFull: 'wait' }));
  }

  private async stream(): Promise<void> {
    const { name, random } = this.shape;
    const pieces = Array.from({ length: random.between(0, 4) }, () =>
      Buffer.alloc(random.skewed(1, LONGEST_STREAM / 4), random.below(256)),
    );
    const hash = createHash('sha256');
    for (const piece of pieces) hash.update(piece);
    const key = `${name}-${this.streams.length}`;
    const outcome: Outcome = { key, sha256: hash.digest('hex'), state: 'pending', settled: 0 };
    this.streams.push(outcome);
    await this.settle(
      outcome,
      this.from.sendBlob(Streams, key, { to: this.to }).then((blob) => pipeline(Readable.from(pieces), blob)),
    );
  }

  private async settle(outcome: Outcome, promise: Promise<unknown>): Promise<void> {
    await promise.then(
      () => {
        outcome.state = 'resolved';
      },
      (error: unknown) => {
        assert.ok(DomusError.is(error), `an error of another class: ${String(error)}`);
        outcome.state = error;
      },
    );
    outcome.settled++;
    this.shape.settled?.(outcome);
    if (outcome.state !== 'resolved') await nextTurn();
  }
}

/** A load that fails at once must not starve the sockets. */
function nextTurn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}

function countOf(outcomes: readonly Outcome[]): number {
  return outcomes.filter(({ state }) => state === 'resolved').length;
}

/**
 * Every send and stream settled, once; what resolved was handled, once; what was not sent or was refused was not handled;
 * the rest at most once; and a stream that ended well arrived byte for byte. `cutShort`: streams that
 * were under way when their handler was killed, and which it had not read.
 */
export function judge(
  { messages, streams }: Pick<Load, 'messages' | 'streams'>,
  ledger: Ledger,
  seed: string,
  cutShort: ReadonlySet<string> = new Set(),
): void {
  const lines = ledger.read();
  const times = (line: string): number => lines.get(line) ?? 0;
  for (const [kind, outcomes] of [['message', messages] as const, ['stream', streams] as const]) {
    for (const { key, state, settled } of outcomes) {
      const name = `${kind} ${key}, ${String(state)} (${seed})`;
      assert.equal(settled, 1, `settled: ${name}`);
      const handled = times(`${kind} ${key}`);
      if (state === 'resolved') assert.equal(handled, 1, `resolved and handled: ${name}`);
      else if (DomusError.is(state) && state.delivery === 'not-sent') assert.equal(handled, 0, `not sent: ${name}`);
      else assert.ok(handled <= 1, `handled ${handled} times: ${name}`);
    }
  }
  for (const { key, sha256, state } of streams) {
    if (state !== 'resolved') continue;
    const read = [...lines.keys()].filter((line) => line.startsWith(`bytes ${key} `));
    // A stream ends well when all has arrived: whoever is killed then has not read it.
    if (cutShort.has(key) && read.length === 0) continue;
    assert.deepEqual(read, [`bytes ${key} ${sha256}`], `byte for byte: ${key} (${seed})`);
    assert.equal(times(read[0]!), 1, `read once: ${key} (${seed})`);
  }
}

/** The same for the loads of a `live-peer.ts` in all its lives: `theirs` is its ledger, `own` that of the domus it sends to. */
export function judgeTheirs(theirs: Ledger, own: Ledger, seed: string): void {
  for (const [line, times] of own.read()) assert.equal(times, 1, `handled once: ${line} (${seed})`);
  for (const line of theirs.read().keys()) {
    const [, sent] = /^resolved (.*)/.exec(line) ?? [];
    if (sent !== undefined) assert.equal(own.read().get(sent), 1, `resolved and handled: ${sent} (${seed})`);
  }
}
