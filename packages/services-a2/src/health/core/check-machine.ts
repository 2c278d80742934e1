/**
 * One check: when it runs, and what its results make of it (a2-services, health). Pure: the board runs what is due.
 *
 * 1. Never two runs at once: a run that does not return after its time is counted as failed, once and then once an interval,
 *    until it returns; what it returns with by then does not count.
 * 2. The state changes after `failureThreshold` failures or `successThreshold` passes in a row, from `unknown` too.
 */
import type { CheckSettings } from './check-settings.ts';

/** A check has no say in draining. */
export type CheckState = 'unknown' | 'healthy' | 'unhealthy';

/** What one run came to. */
export interface CheckResult {
  /** Undefined where it passed. */
  readonly error: string | undefined;
  readonly tookMs: number;
}

/** What is to be done with a check now. */
export type CheckStep = 'nothing' | 'run' | 'result';

type Phase =
  | { readonly kind: 'waiting'; readonly dueAt: number }
  | { readonly kind: 'running'; readonly since: number; readonly deadline: number }
  /** Its time is up and it has not returned. */
  | { readonly kind: 'overdue'; readonly since: number; readonly nextCount: number };

export class CheckMachine {
  readonly settings: CheckSettings;
  state: CheckState = 'unknown';
  last: CheckResult | undefined = undefined;
  /** Results of the last kind in a row; 0 before the first. */
  consecutive = 0;
  private phase: Phase;

  /** The first run is due at `now`. */
  constructor(settings: CheckSettings, now: number) {
    this.settings = settings;
    this.phase = { kind: 'waiting', dueAt: now };
  }

  /** When `tick` has something to do. */
  get nextAt(): number {
    const { phase } = this;
    if (phase.kind === 'waiting') return phase.dueAt;
    return phase.kind === 'running' ? phase.deadline : phase.nextCount;
  }

  /** `run`: the caller begins a run. `result`: time has brought a result, and a run under way is to be told to end. */
  tick(now: number): CheckStep {
    if (now < this.nextAt) return 'nothing';
    const { phase } = this;
    if (phase.kind === 'waiting') {
      this.phase = { kind: 'running', since: now, deadline: now + this.settings.timeout };
      return 'run';
    }
    const { since } = phase;
    const tookMs = now - since;
    const text = phase.kind === 'running' ? 'no answer within' : 'has not returned for';
    this.record({ error: `${text} ${tookMs} ms`, tookMs });
    this.phase = { kind: 'overdue', since, nextCount: now + this.pause };
    return 'result';
  }

  /** The run has returned; true where its result counts. */
  returned(error: string | undefined, now: number): boolean {
    const { phase } = this;
    if (phase.kind === 'waiting') return false;
    const counts = phase.kind === 'running';
    if (counts) this.record({ error, tookMs: now - phase.since });
    this.phase = { kind: 'waiting', dueAt: Math.max(phase.since + this.pause, now) };
    return counts;
  }

  private get pause(): number {
    return this.state === 'unknown' ? this.settings.startInterval : this.settings.interval;
  }

  private record(result: CheckResult): void {
    const passed = result.error === undefined;
    const isLikeLast = this.last !== undefined && (this.last.error === undefined) === passed;
    this.consecutive = isLikeLast ? this.consecutive + 1 : 1;
    this.last = result;
    if (passed && this.consecutive >= this.settings.successThreshold) this.state = 'healthy';
    if (!passed && this.consecutive >= this.settings.failureThreshold) this.state = 'unhealthy';
  }
}
