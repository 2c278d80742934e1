/**
 * The health of a node (a2-services, health): runs the named checks, and keeps what they and the application say.
 *
 * 1. One timer for all checks, and none while there are no checks.
 * 2. Whatever a check or a listener does, the others go on: throws are contained, hanging is timed out.
 * 3. Draining by `drain` is final. After `close` nothing runs, nothing is told, and the state is `draining`.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { DomusError, outOfRange } from '@flaminia/transport-a0';
import { inspectAsJson } from '../inspect-as-json.ts';
import type { Clock } from '../port.ts';
import { CheckMachine, type CheckState } from './core/check-machine.ts';
import { type CheckSettings, checkSettings } from './core/check-settings.ts';
import { HEALTH_STATES, worstState } from './core/worst-state.ts';
import type { Health, HealthCheckHandle } from './health.ts';
import { failureText, type HealthCheck } from './health-check.ts';
import { healthHttpHandler } from './health-http.ts';
import type { HealthState } from './health-state.ts';
import type { CheckStatus, HealthChange, HealthStatus } from './health-status.ts';

export interface HealthBoardOptions {
  readonly clock: Clock;
  /** Milliseconds since 1970, for the times that a status shows. */
  readonly wallClock: () => number;
  /** A listener has thrown. */
  readonly listenerFailed?: (error: unknown) => void;
}

const MAX_CHECKS = 100;
const MAX_NAME = 100;

/** A check that is run, or one that is missing and counts as failed. */
interface Entry {
  readonly name: string;
  readonly machine: CheckMachine | undefined;
  readonly check: HealthCheck | undefined;
  /** Ends the run under way. */
  controller: AbortController | undefined;
  /** When the last run ended, in time of the wall clock. */
  endedAt: number | null;
  /** What listeners were told of. */
  told: CheckState;
}

type TimerHandle = ReturnType<Clock['startTimer']>;

export class HealthBoard implements Health {
  private readonly clock: Clock;
  private readonly wallClock: () => number;
  private readonly listenerFailed: (error: unknown) => void;
  private readonly entries = new Map<string, Entry>();
  private readonly listeners = new Set<{ readonly hear: (change: HealthChange) => void }>();
  private readonly untold: HealthChange[] = [];
  private isTelling = false;
  private manual: HealthState | undefined = undefined;
  private life: 'open' | 'draining' | 'closed' = 'open';
  private told: HealthState = 'unknown';
  private timer: { readonly handle: TimerHandle; readonly at: number } | undefined = undefined;

  constructor({ clock, wallClock, listenerFailed = () => {} }: HealthBoardOptions) {
    this.clock = clock;
    this.wallClock = wallClock;
    this.listenerFailed = listenerFailed;
  }

  get state(): HealthState {
    if (this.life !== 'open') return 'draining';
    const states: HealthState[] = Array.from(this.entries.values(), stateOf);
    return worstState(this.manual === undefined ? states : [...states, this.manual]);
  }

  add(name: string, check: HealthCheck, options?: Partial<CheckSettings>): HealthCheckHandle {
    this.requireNewName(name);
    if (typeof check !== 'function') {
      this.entries.set(name, newEntry(name, undefined, undefined));
      this.tell();
      throw outOfRange(`check ${JSON.stringify(name)}`, 'a function', check);
    }
    const machine = new CheckMachine(checkSettings(options), this.clock.now());
    const entry = newEntry(name, check, machine);
    this.entries.set(name, entry);
    this.tell();
    this.tick();
    const remove = () => this.remove(entry);
    return { name, remove, [Symbol.dispose]: remove };
  }

  set(state: HealthState | undefined): void {
    if (state !== undefined && !HEALTH_STATES.includes(state))
      throw outOfRange('state', HEALTH_STATES.join(', '), state);
    this.manual = state;
    this.tell();
  }

  /** The node takes no new work any more; final. */
  drain(): void {
    if (this.life !== 'open') return;
    this.life = 'draining';
    this.tell();
  }

  status(): HealthStatus {
    const checks = Array.from(this.entries.values(), statusOf);
    return { state: this.state, manual: this.manual ?? null, checks };
  }

  toJSON(): HealthStatus {
    return this.status();
  }

  onChange(listener: (change: HealthChange) => void): () => void {
    if (typeof listener !== 'function') throw outOfRange('listener', 'a function', listener);
    const registered = { hear: listener };
    this.listeners.add(registered);
    return () => {
      this.listeners.delete(registered);
    };
  }

  httpHandler(): (request: IncomingMessage, response: ServerResponse) => void {
    return healthHttpHandler(this);
  }

  /** Ends all runs and lets go of everything. Idempotent. */
  close(): void {
    this.life = 'closed';
    this.listeners.clear();
    for (const entry of this.entries.values()) entry.controller?.abort();
    this.rearm();
  }

  private requireNewName(name: string): void {
    if (this.life === 'closed') throw new DomusError('domus-closed', 'the health of this node is checked no more');
    if (typeof name !== 'string' || name === '' || name.length > MAX_NAME) {
      throw outOfRange('name of a check', `a text of 1 to ${MAX_NAME} characters`, name);
    }
    const taken = this.entries.get(name);
    // A missing check is put right by adding one.
    if (taken?.machine !== undefined) {
      throw new DomusError('invalid-state', `there is a check ${JSON.stringify(name)} already`, {
        detail: 'name-taken',
      });
    }
    if (taken === undefined && this.entries.size >= MAX_CHECKS) {
      throw outOfRange('number of checks', `at most ${MAX_CHECKS}`, MAX_CHECKS + 1);
    }
  }

  private remove(entry: Entry): void {
    if (this.entries.get(entry.name) !== entry) return;
    this.entries.delete(entry.name);
    entry.controller?.abort();
    this.rearm();
    this.tell();
  }

  private tick(): void {
    const now = this.clock.now();
    for (const entry of [...this.entries.values()]) {
      const step = entry.machine?.tick(now);
      if (step === 'run') this.run(entry);
      if (step !== 'result') continue;
      entry.endedAt = this.wallClock();
      entry.controller?.abort();
    }
    this.rearm();
    this.tell();
  }

  private run(entry: Entry): void {
    const controller = new AbortController();
    entry.controller = controller;
    const end = (error: string | undefined) => {
      controller.abort();
      if (this.life === 'closed' || this.entries.get(entry.name) !== entry) return;
      entry.controller = undefined;
      if (entry.machine!.returned(error, this.clock.now())) entry.endedAt = this.wallClock();
      this.rearm();
      this.tell();
    };
    new Promise((resolve) => resolve(entry.check!(controller.signal))).then(
      (answer) => end(answer === false ? 'answered false' : undefined),
      (error: unknown) => end(failureText(error)),
    );
  }

  /** Sets the one timer to the next thing to do, or to none. */
  private rearm(): void {
    let next = Number.POSITIVE_INFINITY;
    if (this.life !== 'closed') {
      for (const { machine } of this.entries.values()) next = Math.min(next, machine?.nextAt ?? next);
    }
    if (this.timer?.at === next) return;
    if (this.timer !== undefined) this.clock.stopTimer(this.timer.handle);
    this.timer = undefined;
    if (next === Number.POSITIVE_INFINITY) return;
    const handle = this.clock.startTimer(Math.max(0, next - this.clock.now()), () => {
      this.timer = undefined;
      this.tick();
    });
    this.timer = { handle, at: next };
  }

  /** Tells listeners what has changed since they were told last; what changes meanwhile is told afterwards. */
  private tell(): void {
    for (const entry of this.entries.values()) {
      const { name, told: previous } = entry;
      const state = stateOf(entry);
      if (state === previous) continue;
      entry.told = state;
      this.untold.push({ kind: 'check', name, state, previous, error: statusOf(entry).error });
    }
    const { state, told: previous } = this;
    if (state !== previous) {
      this.told = state;
      this.untold.push({ kind: 'node', state, previous });
    }
    if (this.isTelling) return;
    this.isTelling = true;
    for (let change = this.untold.shift(); change !== undefined; change = this.untold.shift()) {
      for (const listener of [...this.listeners]) this.tellOne(listener, change);
    }
    this.isTelling = false;
  }

  private tellOne(listener: { readonly hear: (change: HealthChange) => void }, change: HealthChange): void {
    if (!this.listeners.has(listener)) return;
    try {
      // It gives nothing to wait for, and yet may be asynchronous.
      Promise.resolve(listener.hear(change) as unknown).catch((error: unknown) => this.listenerFailed(error));
    } catch (error) {
      this.listenerFailed(error);
    }
  }
}

inspectAsJson({ name: 'Health', prototype: HealthBoard.prototype });

function newEntry(name: string, check: HealthCheck | undefined, machine: CheckMachine | undefined): Entry {
  return { name, check, machine, controller: undefined, endedAt: null, told: 'unknown' };
}

function stateOf({ machine }: Entry): CheckState {
  return machine?.state ?? 'unhealthy';
}

function statusOf(entry: Entry): CheckStatus {
  const { name, machine, endedAt } = entry;
  const last = machine?.last;
  const error = machine === undefined ? 'there is no check function' : (last?.error ?? null);
  return {
    name,
    state: stateOf(entry),
    error,
    at: endedAt,
    tookMs: last?.tookMs ?? null,
    consecutive: machine?.consecutive ?? 0,
  };
}
