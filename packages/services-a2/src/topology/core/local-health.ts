/** How much a node trusts itself to judge others: Lifeguard's local health multiplier (topology, detector). */

/** Signs of being slow are counted up to this. */
const WORST = 8;

export class LocalHealth {
  private signs = 0;
  private readonly enabled: boolean;

  constructor(enabled: boolean) {
    this.enabled = enabled;
  }

  /** By how much probe periods and timeouts are stretched, 1 to 9. */
  get factor(): number {
    return 1 + this.signs;
  }

  /** A probe went well. */
  good(): void {
    if (this.signs > 0) this.signs -= 1;
  }

  /** A probe failed, a helper was silent, a suspicion of oneself had to be refuted, a timer was late. */
  bad(): void {
    if (this.enabled && this.signs < WORST) this.signs += 1;
  }
}
