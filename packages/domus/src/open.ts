/** How a domus comes to life: address, settings, material, backend, listening, in this order. */
import { createServer } from 'node:net';
import type { Clock } from '@flaminia/delivery-a1/internal';
import { requireSignal } from '@flaminia/services-a2/internal';
import {
  type DomusAddr,
  DomusError,
  optionsOf,
  type ParsedAddress,
  parseAddress,
  tcpAddress,
} from '@flaminia/transport-a0';
import { askAuth, checkAuthSource, requireUnexpired } from './ask-auth.ts';
import { configLog } from './config-log.ts';
import { LiveAuth } from './live-auth.ts';
import { LiveConfig } from './live-config.ts';
import { checkLog, checkResolver, DOMUS_OPTIONS, type DomusOptions, type ShutdownOptions } from './options.ts';
import { unlessAborted } from './unless-aborted.ts';
import { type DomusParts, wireSockets } from './wiring.ts';

/** Switches that only tests and measurements turn. */
export interface OpenInternals {
  readonly nudge?: boolean;
  readonly clock?: Clock;
  readonly random?: () => number;
}

/** What an opening that was given up in its last moment ends. */
interface Ended {
  shutdown(options: ShutdownOptions): Promise<void>;
}

/** A Rust peer counts a connection a moment after its hello exchange (rust-peer). */
const BLOB_PROOF_MS = 20;

/** Another program may take a port between its choice and its use. */
const PORT_ATTEMPTS = 5;

/** Opens a domus over real sockets; `make` wraps its parts. */
export async function openDomus<D extends Ended>(
  options: DomusOptions,
  make: (parts: DomusParts) => D,
  internals: OpenInternals = {},
): Promise<D> {
  checkOptions(options);
  options.signal?.throwIfAborted();
  const address = parseAddress(options.address);
  if (address.kind !== 'tcp' || address.port !== 0) return openAt(address, options, make, internals);
  if (typeof options.auth !== 'function') {
    throw new DomusError('invalid-config', 'port 0 needs auth as a function, since certificates name the port', {
      detail: 'auth',
    });
  }
  for (let attempt = 1; ; attempt++) {
    const chosen = parseAddress(tcpAddress(address.ip, await freePort(address.ip)));
    try {
      return await openAt(chosen, options, make, internals);
    } catch (error) {
      if (attempt === PORT_ATTEMPTS || !DomusError.is(error) || error.kind !== 'bind-failed') throw error;
    }
  }
}

async function openAt<D extends Ended>(
  address: ParsedAddress,
  options: DomusOptions,
  make: (parts: DomusParts) => D,
  internals: OpenInternals,
): Promise<D> {
  if (options.listen !== undefined && address.kind !== 'tcp') {
    throw new DomusError('invalid-config', 'listen is for TCP addresses only', { detail: 'listen' });
  }
  const config = new LiveConfig(options.config ?? {}, address.kind, configLog(address.text, options.log));
  const { signal } = options;
  const asked = askAuth(options.auth, address.text);
  const given = await (signal === undefined ? asked : unlessAborted(asked, signal));
  const auth = new LiveAuth(address.text, options.auth, given);
  requireUnexpired(auth.material);
  const wiring = {
    address: address.text,
    config,
    resolver: options.resolver,
    log: options.log,
    clock: internals.clock,
    random: internals.random,
    nudge: internals.nudge ?? true,
    blobProofMs: BLOB_PROOF_MS,
  };
  let parts: DomusParts;
  try {
    parts = wireSockets(wiring, auth, options.listen);
    await parts.backend.listen();
  } catch (error) {
    auth.close();
    throw error;
  }
  const domus = make(parts);
  if (signal?.aborted !== true) return domus;
  await domus.shutdown({ drainTimeout: 0 });
  throw signal.reason;
}

/** What only a program without a type check can get wrong, and would notice late. */
function checkOptions(options: DomusOptions): void {
  const { auth, resolver, log, signal } = optionsOf('Domus.open', options, DOMUS_OPTIONS);
  requireSignal(signal);
  checkAuthSource(auth);
  checkResolver(resolver);
  checkLog(log);
}

async function freePort(ip: string): Promise<number> {
  const server = createServer();
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(0, ip, resolve);
    });
    const bound = server.address();
    if (bound === null || typeof bound === 'string') throw new Error('a TCP server without a port');
    return bound.port;
  } catch (error) {
    throw new DomusError('bind-failed', `no port of ${ip} could be bound`, {
      peer: `tcp://${ip}:0` as DomusAddr,
      cause: error,
    });
  } finally {
    server.close();
  }
}
