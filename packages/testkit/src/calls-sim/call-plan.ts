/** What a call, its reader and its handlers will do, drawn before it is made: both sides know what should come. */
import type { Random } from '../sim/random.ts';
import type { Weather } from './weather.ts';
import { PROCEDURES, type ProcedureName, Work } from './work-service.ts';

/** A stream that a program gives. */
export interface StreamPlan {
  /** Bytes of each of its pieces. */
  readonly sizes: readonly number[];
  /** Longest pause before a piece. */
  readonly pauseMs: number;
  readonly end: 'ends' | 'throws' | 'lasts';
}

/** A stream that a program reads. */
export interface ReadingPlan {
  /** Leaves behind so many pieces; undefined: reads to the end. */
  readonly leavesAfter: number | undefined;
  readonly pauseMs: number;
}

export interface HandlerPlan {
  readonly workMs: number;
  readonly end: 'answers' | 'fails' | 'throws' | 'lasts' | 'cannot travel';
  /** Looks at its signal, and ends with it. */
  readonly obeys: boolean;
  readonly outputs: StreamPlan;
  readonly reading: ReadingPlan;
  readonly answerBytes: number;
  /** Makes a call as part of this one. */
  readonly nested: CallPlan | undefined;
}

export interface CallPlan {
  readonly id: number;
  readonly procedure: ProcedureName;
  readonly kind: (typeof Work.procedures)[ProcedureName]['kind'];
  readonly isIdempotent: boolean;
  readonly timeoutMs: number | undefined;
  readonly abortAfterMs: number | undefined;
  readonly isWorthless: boolean;
  readonly inputBytes: number;
  readonly inputs: StreamPlan;
  readonly reading: ReadingPlan;
  /** Of the first start of its handler, of the second, and so on in turn. */
  readonly handlers: readonly HandlerPlan[];
}

/** Its outputs are a stream. */
export function isRead({ kind }: CallPlan): boolean {
  return kind === 'server-stream' || kind === 'bidi-stream';
}

export class Planner {
  private readonly chance: Random;
  private readonly weather: Weather;
  private count = 0;

  constructor(chance: Random, weather: Weather) {
    this.chance = chance;
    this.weather = weather;
  }

  draw(isNested = false): CallPlan {
    const { chance } = this;
    const { favourite } = this.weather;
    const procedure = favourite !== undefined && chance.chance(70) ? favourite : chance.pick(PROCEDURES);
    const { kind, idempotent } = Work.procedures[procedure];
    const id = ++this.count;
    return {
      id,
      procedure,
      kind,
      isIdempotent: idempotent,
      timeoutMs: chance.chance(40) ? chance.skewed(1, 60_000) : undefined,
      abortAfterMs: chance.chance(20) ? chance.skewed(0, 20_000) : undefined,
      isWorthless: chance.chance(2),
      inputBytes: this.bytes(),
      inputs: this.stream(),
      reading: this.reading(),
      handlers: [this.handler(kind, isNested), this.handler(kind, isNested)],
    };
  }

  private handler(kind: CallPlan['kind'], isNested: boolean): HandlerPlan {
    const { chance } = this;
    const end = chance.pick(['answers', 'answers', 'answers', 'fails', 'throws', 'lasts', 'cannot travel'] as const);
    return {
      workMs: chance.chance(40) ? 0 : chance.skewed(1, 20_000),
      // Nobody could end it.
      end: kind === 'one-way' && end === 'lasts' ? 'answers' : end,
      obeys: chance.chance(50),
      outputs: this.stream(),
      reading: this.reading(),
      answerBytes: this.bytes(),
      nested: !isNested && chance.chance(15) ? this.draw(true) : undefined,
    };
  }

  private stream(): StreamPlan {
    const { chance } = this;
    const isFat = chance.chance(6);
    const count = isFat ? chance.between(10, 40) : chance.skewed(0, 40);
    const most = this.weather.largestItemBytes;
    const sizes = Array.from({ length: count }, () => (isFat ? most : this.bytes()));
    const end = chance.pick(['ends', 'ends', 'ends', 'ends', 'throws', 'lasts'] as const);
    return { sizes, pauseMs: chance.chance(60) ? 0 : chance.skewed(1, 2_000), end };
  }

  private reading(): ReadingPlan {
    const { chance } = this;
    return {
      leavesAfter: chance.chance(20) ? chance.below(12) : undefined,
      pauseMs: chance.chance(60) ? 0 : chance.skewed(1, 3_000),
    };
  }

  private bytes(): number {
    return this.chance.skewed(0, this.weather.largestItemBytes);
  }
}
