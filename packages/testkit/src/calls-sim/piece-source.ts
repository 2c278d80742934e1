/**
 * A stream that a program gives, as its plan says. It may be left at any time, also while it waits.
 *
 * 14. It is asked for one piece at a time, for none behind its end, and left once at most.
 */
import { ProcedureError } from '@flaminia/services-a2';
import type { StreamPlan } from './call-plan.ts';
import type { Ledger } from './ledger.ts';
import { type Piece, piece } from './work-service.ts';

type Step = IteratorResult<Piece, undefined>;
const DONE: Step = { value: undefined, done: true };

/** Whose stream it is. */
export interface Giver {
  readonly call: number;
  readonly plan: StreamPlan;
  readonly failsTold: boolean;
  pause(longestMs: number): Promise<void>;
  /** It is over: all was given, it has thrown, or it was left. */
  over(how: 'ended' | 'threw' | 'failed' | 'left'): void;
}

export class PieceSource implements AsyncIterableIterator<Piece, undefined> {
  private readonly giver: Giver;
  private readonly ledger: Ledger;
  private given = 0;
  private isAsked = false;
  private isOver = false;
  private leave: ((step: Step) => void) | undefined = undefined;

  constructor(giver: Giver, ledger: Ledger) {
    this.giver = giver;
    this.ledger = ledger;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async next(): Promise<Step> {
    const { giver, ledger } = this;
    if (this.isAsked) ledger.broken(14, `the stream of call ${giver.call} is asked twice at once`);
    if (this.isOver) ledger.broken(14, `the stream of call ${giver.call} is asked behind its end`);
    this.isAsked = true;
    try {
      const left = new Promise<Step>((resolve) => {
        this.leave = resolve;
      });
      return await Promise.race([left, this.step()]);
    } finally {
      this.isAsked = false;
    }
  }

  return(): Promise<Step> {
    if (!this.isOver) this.end('left');
    this.leave?.(DONE);
    return Promise.resolve(DONE);
  }

  private async step(): Promise<Step> {
    const { giver } = this;
    const { sizes, pauseMs, end } = giver.plan;
    if (pauseMs > 0) await giver.pause(pauseMs);
    if (this.isOver) return DONE;
    const bytes = sizes[this.given];
    if (bytes !== undefined) return { value: piece(giver.call, this.given++, bytes), done: false };
    if (end === 'lasts') return new Promise<Step>(() => {});
    this.end(end === 'ends' ? 'ended' : giver.failsTold ? 'failed' : 'threw');
    if (end === 'ends') return DONE;
    throw giver.failsTold ? new ProcedureError('not-found', 'nothing more') : new Error('planned');
  }

  private end(how: Parameters<Giver['over']>[0]): void {
    this.isOver = true;
    this.giver.over(how);
  }
}
