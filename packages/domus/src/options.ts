/** What an application gives to `Domus.open`, and the options of its calls. */
import type { PeerVerifier } from '@flaminia/services-a2/internal';
import { type DomusAddr, type OptionNames, outOfRange } from '@flaminia/transport-a0';
import type { AuthSource } from './auth-sources.ts';
import type { DomusConfig } from './config.ts';
import type { RouteResolver } from './resolver.ts';

/** Options of {@link Domus.open}. */
export interface DomusOptions {
  /**
   * The address of this domus (node), which is its identity: `tcp://<ip>:<port>` or `unix://<path>`. Port 0 picks a
   * free one, and then `auth` must be a function.
   */
  readonly address: DomusAddr;
  /** Certificates and key, or a function that gives them once the address is known. */
  readonly auth: AuthSource;
  /** Finds the domus of tabernae (inboxes) that are not its own. */
  readonly resolver?: RouteResolver;
  /** Settings that differ from the defaults; see docs/configuration.md. */
  readonly config?: Partial<DomusConfig>;
  /** Bind here instead of at `address` (containers, NAT): `<ip>:<port>`. TCP only. */
  readonly listen?: string;
  /**
   * Takes the rate-limited log records, and the warnings of `config`, each behind the step that it tells of: so it may use the
   * domus. What it throws is ignored. Nothing is ever written to the console.
   */
  readonly log?: (entry: LogEntry) => void;
  /** Gives the opening up, with the signal's reason; it has no say once the domus is open. */
  readonly signal?: AbortSignal;
}

/** A record of the rate-limited log (a1-wire, log ids), or a warning of the configuration. */
export interface LogEntry {
  /** 1001 to 1006; 0 for a warning of the configuration, which has no number in the protocol. */
  readonly id: number;
  /** What happened, in kebab case. */
  readonly label: string;
  /** Epoch milliseconds. */
  readonly at: number;
  /** Whom it concerns, where that is known. */
  readonly peer?: string;
  /** Records of this id that were left out since the last one; 0 for a warning, of which none is left out. */
  readonly suppressed: number;
  /** Of a warning: which value was changed, and to what. */
  readonly detail?: string;
}

/** Options of {@link Domus.send}. */
export interface SendOptions {
  /** Ends the waiting with the signal's reason; it does not recall the message, whose bytes may still be under way. */
  readonly signal?: AbortSignal;
  /** Send to this domus, whatever the resolver says. */
  readonly to?: DomusAddr;
  /** What to do when the lane to the peer is full: fail at once (default), or wait in order within the deadline. */
  readonly whenFull?: 'fail' | 'wait';
}

/** Options of {@link Domus.sendBlob}. */
export interface SendBlobOptions {
  /** Ends the waiting, or destroys the stream, with the signal's reason. */
  readonly signal?: AbortSignal;
  /** Send to this domus, whatever the resolver says. */
  readonly to?: DomusAddr;
}

/** Options of {@link Domus.serve}. */
export interface ServeOptions {
  /** Handlers that run at once, 1 to 65,536; default 64. */
  readonly concurrency?: number;
  /** Closes the serving. */
  readonly signal?: AbortSignal;
  /** Who may send here; procedures are `taberna/` and the name. Without it every authenticated peer may. */
  readonly verifier?: PeerVerifier;
}

/** Options of {@link Domus.taberna}. */
export interface TabernaOptions {
  /** Closes the inbox. */
  readonly signal?: AbortSignal;
  /** Who may send here, as for `serve`. */
  readonly verifier?: PeerVerifier;
}

/** Options of {@link Domus.reloadAuth}. */
export interface ReloadOptions {
  /** Gives the reload up, with the signal's reason; what was in force before stays. */
  readonly signal?: AbortSignal;
}

/** Options of {@link Domus.shutdown}. */
export interface ShutdownOptions {
  /** Milliseconds that sends and handlers under way get to end, 0 to 300,000; default 5,000. */
  readonly drainTimeout?: number;
  /** Cuts what is left at once. */
  readonly signal?: AbortSignal;
}

export const DOMUS_OPTIONS: OptionNames<DomusOptions> = {
  address: true,
  auth: true,
  resolver: true,
  config: true,
  listen: true,
  log: true,
  signal: true,
};
export const SEND_OPTIONS: OptionNames<SendOptions> = { signal: true, to: true, whenFull: true };
export const SEND_BLOB_OPTIONS: OptionNames<SendBlobOptions> = { signal: true, to: true };
export const SERVE_OPTIONS: OptionNames<ServeOptions> = { concurrency: true, signal: true, verifier: true };
export const TABERNA_OPTIONS: OptionNames<TabernaOptions> = { signal: true, verifier: true };
export const RELOAD_OPTIONS: OptionNames<ReloadOptions> = { signal: true };
export const SHUTDOWN_OPTIONS: OptionNames<ShutdownOptions> = { drainTimeout: true, signal: true };

/** Throws `invalid-config` for what only a program without a type check can give, and would notice late. */
export function checkResolver(resolver: RouteResolver | undefined): void {
  if (resolver !== undefined && typeof resolver?.resolve !== 'function') {
    throw outOfRange('resolver', 'an object with resolve', resolver);
  }
}

/** As {@link checkResolver}. */
export function checkLog(log: DomusOptions['log']): void {
  if (log !== undefined && typeof log !== 'function') throw outOfRange('log', 'a function', log);
}
