/** A broken rule of the oracle, under its number; and how exact the oracle expects timers to be. */
export class RuleBroken extends Error {
  override readonly name = 'RuleBroken';
  readonly rule: number;

  constructor(rule: number, text: string) {
    super(`rule ${rule}: ${text}`);
    this.rule = rule;
  }
}

/** A timer waits for whole milliseconds, at least one; clocks of domus run up to a tenth fast. */
export const TICK_MS = 3;
