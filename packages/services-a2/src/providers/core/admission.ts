/**
 * Whether one provider may be called: ejection after failures, and the way back (a2-services, providers and picking).
 *
 * 1. An ejected provider gets no call for a time; then one, or an explicit probe, whose outcome decides.
 * 2. Only the trial under way decides then: calls that were begun before the ejection tell nothing new.
 * 3. Ejections grow from one to the next until a call succeeds. A probe that succeeds re-admits, but says nothing about calls.
 */
import type { ProviderSettings } from './provider-settings.ts';

/** What became of a call, as far as it tells about the provider. */
export type CallOutcome =
  /** The provider answered, be it with an error that is the caller's. */
  | 'answered'
  /** It answered that it cannot, or did not answer in time. */
  | 'failed'
  /** No connection could be had or kept. */
  | 'unreachable'
  /** The caller gave the call up: it tells nothing about the provider. */
  | 'given-up';

export type AdmissionState =
  | { readonly kind: 'admitted'; readonly failures: number }
  /** No call until then; from then on one. */
  | { readonly kind: 'ejected'; readonly until: number; readonly failures: number }
  /** The one call, or the probe, is under way. */
  | { readonly kind: 'trial'; readonly failures: number };

/** What an outcome has changed. */
export type AdmissionChange = 'none' | 'ejected' | 'readmitted';

const FRESH: AdmissionState = Object.freeze({ kind: 'admitted', failures: 0 });

export class Admission {
  state: AdmissionState = FRESH;
  private readonly settings: ProviderSettings;
  /** Changes with each ejection and each trial. */
  private term = 0;
  private ejections = 0;

  constructor(settings: ProviderSettings) {
    this.settings = settings;
  }

  /** Whether a trial may begin. */
  isDue(now: number): boolean {
    return this.state.kind === 'ejected' && this.state.until <= now;
  }

  /** A call or a probe begins; the result is to be given to `ended`. */
  begun(now: number): number {
    if (this.state.kind === 'ejected' && this.state.until <= now) {
      this.state = { kind: 'trial', failures: this.state.failures };
      this.term += 1;
    }
    return this.term;
  }

  /** @param isProbe it was no call, but only a question whether the provider is there. */
  ended(term: number, outcome: CallOutcome, isProbe: boolean, now: number): AdmissionChange {
    if (term !== this.term) return 'none';
    const { state } = this;
    if (state.kind === 'ejected') return 'none';
    if (outcome === 'given-up') {
      if (state.kind === 'trial') this.state = { kind: 'ejected', until: now, failures: state.failures };
      return 'none';
    }
    if (outcome !== 'answered') return this.failed(outcome, now);
    if (!isProbe) this.ejections = 0;
    if (state.kind === 'admitted' && state.failures === 0) return 'none';
    if (state.kind === 'admitted') {
      if (!isProbe) this.state = FRESH;
      return 'none';
    }
    this.state = FRESH;
    return 'readmitted';
  }

  /** There is a sign of life: the next trial may begin now. True where that changes anything. */
  hurry(now: number): boolean {
    if (this.state.kind !== 'ejected' || this.state.until <= now) return false;
    this.state = { ...this.state, until: now };
    return true;
  }

  private failed(outcome: 'failed' | 'unreachable', now: number): AdmissionChange {
    const { ejectAfter, ejectionTime, maxEjectionTime } = this.settings;
    const failures = this.state.failures + 1;
    const isEnough = outcome === 'unreachable' || failures >= ejectAfter || this.state.kind === 'trial';
    if (ejectAfter === 0 || !isEnough) {
      this.state = { kind: 'admitted', failures };
      return 'none';
    }
    // Beyond 2^30 nothing is left to double.
    const wait = Math.min(maxEjectionTime, ejectionTime * 2 ** Math.min(this.ejections, 30));
    this.ejections += 1;
    this.term += 1;
    this.state = { kind: 'ejected', until: now + wait, failures };
    return 'ejected';
  }
}
