/**
 * The certificates and key of a running domus (node), and their rotation (a0-transport, rotation).
 *
 * It owns the material in force, the source that it came from, and the watch on that source. Handshakes read the material
 * when they begin, and keep it; nothing here touches a connection.
 * 1. A reload is whole or nothing: until the new material has passed every check, the old one and its source stay.
 * 2. Reloads happen one after the other, in the order in which they were asked for.
 * 3. A failure of the source is reported and tried again; it never ends the domus, and never its certificates.
 * 4. After `close` nothing is watched, no timer runs, and every reload under way has ended.
 */
import type { Clock, TimerHandle } from '@flaminia/delivery-a1/internal';
import type { Caller } from '@flaminia/services-a2';
import { callerFrom } from '@flaminia/services-a2/internal';
import { type DomusAddr, DomusError, type Pkcs8AuthConfig } from '@flaminia/transport-a0';
import { type AuthMaterial, dropPromise, identityOf } from '@flaminia/transport-a0/internal';
import { askAuth, checkAuthSource, isSameMaterial, materialFor, requireUnexpired } from './ask-auth.ts';
import type { AuthFunction, AuthSource } from './auth-sources.ts';
import { unlessAborted } from './unless-aborted.ts';

/** What a reload is carried out with, and whom it is told to. */
export interface AuthHost {
  readonly clock: Clock;
  /** Makes ready for material; throws where it cannot serve. */
  prepare(material: AuthMaterial): void;
  /** New material is in force. */
  reloaded(): void;
  /** The source told of new material, or was asked again, and it could not be had or used. Told once per text. */
  reloadFailed(error: unknown): void;
}

/** The waits before a source that failed is asked again by itself; what it tells meanwhile comes first. */
const FIRST_RETRY_MS = 1_000;
const LAST_RETRY_MS = 60_000;

export class LiveAuth {
  private readonly address: DomusAddr;
  private readonly closing = new AbortController();
  private inForce: AuthMaterial;
  private ownCaller: Caller;
  /** What may be asked again. Ready material is not kept: it holds the key in plain. */
  private source: AuthFunction | undefined;
  private host!: AuthHost;
  private stopWatch: (() => void) | undefined = undefined;
  /** The end of the reload that was asked for last. */
  private last: Promise<void> = Promise.resolve();
  /** A rotation was asked for by the source and has not begun. */
  private isRotationDue = false;
  private lastFailure: string | undefined = undefined;
  private retryMs = FIRST_RETRY_MS;
  private retry: TimerHandle | undefined = undefined;
  private readonly listeners = new Set<() => void>();

  /** `given` is what `source` gave. Throws `invalid-config` or `address-mismatch`. */
  constructor(address: DomusAddr, source: AuthSource, given: Pkcs8AuthConfig) {
    this.address = address;
    this.source = functionOf(source);
    this.inForce = materialFor(given, address);
    this.ownCaller = this.callerOf(this.inForce);
  }

  /** The material that a handshake of now begins with. */
  get material(): AuthMaterial {
    return this.inForce;
  }

  /** Who this domus is for requests of its own. */
  get self(): Caller {
    return this.ownCaller;
  }

  /** Tells of each new material once it is in force; the result ends that. */
  onReload(listener: () => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /** Joins the domus that the material serves, and begins to watch the source. Throws `invalid-config` where it cannot. */
  begin(host: AuthHost): void {
    this.host = host;
    this.stopWatch = this.watched(this.source);
  }

  /**
   * Takes new material, of `source` or, where that is undefined, of the source in force. Rejects with `invalid-config` or
   * `address-mismatch`, with the reason of the signal, or with `domus-closed`; nothing has changed then.
   */
  async reload(source: AuthSource | undefined, signal: AbortSignal | undefined): Promise<void> {
    if (source !== undefined) checkAuthSource(source);
    const ended = signal === undefined ? this.closing.signal : AbortSignal.any([signal, this.closing.signal]);
    return this.inTurn(ended, () => this.replace(source, ended));
  }

  /** Idempotent. */
  close(): void {
    this.closing.abort(new DomusError('domus-closed', 'the domus was shut down'));
    this.stopWatch?.();
    this.stopWatch = undefined;
    this.stopRetry();
  }

  private async replace(source: AuthSource | undefined, ended: AbortSignal): Promise<void> {
    const asked = source ?? this.source;
    if (asked === undefined) {
      throw new DomusError('invalid-config', 'reloadAuth without an argument needs auth as a function', {
        detail: 'auth',
      });
    }
    const given = await unlessAborted(askAuth(asked, this.address), ended);
    ended.throwIfAborted();
    const material = materialFor(given, this.address);
    requireUnexpired(material);
    this.host.prepare(material);
    const next = functionOf(asked);
    if (next !== this.source) {
      const stop = this.watched(next);
      this.stopWatch?.();
      this.stopWatch = stop;
      this.source = next;
    }
    this.use(material);
  }

  private use(material: AuthMaterial): void {
    this.ownCaller = this.callerOf(material);
    this.inForce = material;
    this.settled();
    this.host.reloaded();
    for (const listener of this.listeners) listener();
  }

  private callerOf(material: AuthMaterial): Caller {
    return callerFrom(identityOf(material.chain[0], this.address));
  }

  // --- by the source ---------------------------------------------------------------------------------------------

  private watched(source: AuthFunction | undefined): (() => void) | undefined {
    if (source?.watch === undefined) return undefined;
    let stop: () => void;
    try {
      stop = source.watch(() => {
        if (source === this.source) this.rotate();
      });
    } catch (cause) {
      throw new DomusError('invalid-config', 'auth cannot be watched', { detail: 'auth', cause });
    }
    if (!dropPromise(stop)) return () => stopSafely(stop);
    throw new DomusError('invalid-config', 'the watch of auth is asynchronous, and must return what ends it at once', {
      detail: 'auth',
    });
  }

  /** Asks the source again, the one that is in force then. What it tells before that has begun is then seen as well. */
  private rotate(): void {
    if (this.isRotationDue || this.closing.signal.aborted) return;
    this.isRotationDue = true;
    this.stopRetry();
    void this.inTurn(this.closing.signal, () => this.renew()).catch(() => {}); // Only a shutdown rejects.
  }

  private async renew(): Promise<void> {
    this.isRotationDue = false;
    const { source } = this;
    if (source === undefined) return;
    try {
      const given = await unlessAborted(askAuth(source, this.address), this.closing.signal);
      this.closing.signal.throwIfAborted();
      const material = materialFor(given, this.address);
      if (isSameMaterial(material, this.inForce)) {
        this.settled();
        return;
      }
      requireUnexpired(material);
      this.host.prepare(material);
      this.use(material);
    } catch (error) {
      this.closing.signal.throwIfAborted();
      this.failed(error);
    }
  }

  private failed(error: unknown): void {
    const text = String(error);
    if (text !== this.lastFailure) this.host.reloadFailed(error);
    this.lastFailure = text;
    this.stopRetry();
    this.retry = this.host.clock.startTimer(this.retryMs, () => this.rotate());
    this.retryMs = Math.min(LAST_RETRY_MS, this.retryMs * 2);
  }

  private settled(): void {
    this.lastFailure = undefined;
    this.retryMs = FIRST_RETRY_MS;
    this.stopRetry();
  }

  private stopRetry(): void {
    if (this.retry !== undefined) this.host.clock.stopTimer(this.retry);
    this.retry = undefined;
  }

  /** Runs `step` when all steps before it have ended. The signal ends the waiting; a step that has begun heeds it itself. */
  private inTurn(ended: AbortSignal, step: () => Promise<void>): Promise<void> {
    const before = this.last;
    const turn = unlessAborted(before, ended).then(() => {
      ended.throwIfAborted();
      return step();
    });
    this.last = turn.catch(() => before);
    return turn;
  }
}

/** A source that cannot end its watch must not keep a domus from its shutdown. */
function stopSafely(stop: () => void): void {
  try {
    dropPromise(stop());
  } catch {
    // It has no say any more: what it tells from now on is not heard.
  }
}

function functionOf(source: AuthSource): AuthFunction | undefined {
  return typeof source === 'function' ? source : undefined;
}
