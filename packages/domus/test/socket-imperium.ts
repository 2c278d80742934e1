/** Imperia over real sockets for the tests of the facade: an authority, addresses, and a watch over what is left open. */
import { mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, type TestContext } from 'node:test';
import { type Authority, createAuthority, issueAuth } from '@flaminia/certificates';
import { activeResources, expectNoMoreThan } from '@flaminia/testkit';
import { assertEnded } from '@flaminia/testkit/internal';
import { type DomusAddr, type DomusError, tcpAddress, unixAddress } from '@flaminia/transport-a0';
import { freePort } from '../../../interop/free-port.ts';
import type { DomusConfig } from '../src/config.ts';
import { Domus } from '../src/domus.ts';
import type { DomusOptions } from '../src/options.ts';
import { failureOf } from './memory-bench.ts';

export { freePort };

export type Transport = 'tcp' | 'unix';
export const TRANSPORTS: readonly Transport[] = ['tcp', 'unix'];

/** One authority for all imperia of a test file; issuing it once saves most of the time. */
const authority = createAuthority();

const folder = realpathSync(mkdtempSync(join(tmpdir(), 'flaminia-domus-')));
after(() => rmSync(folder, { recursive: true, force: true }));
let paths = 0;
let living = 0;

/** A handshake may take as long as a loaded machine makes it: a test of its limits sets them. */
const PATIENT: Partial<DomusConfig> = {
  socketCallbackTimeout: 60_000,
  socketHandshakeTimeout: 60_000,
  tcpCallbackTimeout: 60_000,
  tcpHandshakeTimeout: 60_000,
};

/** Everything else of a domus; `nodeId` is what callers see. */
export type SocketDomusOptions = Partial<Omit<DomusOptions, 'address'>> & { readonly nodeId?: string };

/** An imperium over one transport. Its domus end with the test, and nothing of them may be left open. */
export class SocketImperium {
  readonly transport: Transport;
  private readonly members: Domus[] = [];

  constructor(t: TestContext, transport: Transport) {
    this.transport = transport;
    living++;
    t.after(async () => {
      await Promise.all(this.members.map((domus) => domus.shutdown({ drainTimeout: 0 })));
      for (const domus of this.members) assertEnded(domus);
      // With the last one of a test, nothing may be left.
      if (--living === 0) await untilQuiet();
    });
  }

  authority(): Promise<Authority> {
    return authority;
  }

  /** An address that nobody has: a free port, or a path. */
  async address(): Promise<DomusAddr> {
    return this.transport === 'unix'
      ? unixAddress(join(folder, `${++paths}.sock`))
      : tcpAddress('127.0.0.1', await freePort());
  }

  async open(options: SocketDomusOptions & { readonly address?: DomusAddr } = {}): Promise<Domus> {
    const { nodeId = 'node', config, ...rest } = options;
    const { address = this.transport === 'unix' ? await this.address() : 'tcp://127.0.0.1:0' } = options;
    const auth = issueAuth({ ca: await authority, nodeId, nodeType: 'test' });
    const domus = await Domus.open({ auth, ...rest, config: { ...PATIENT, ...config }, address });
    this.members.push(domus);
    return domus;
  }
}

/**
 * How a send fails that no dial can serve, with the failure of the dial as its cause. How long it waits is no matter: where
 * the machine was too slow for a dial to end before the send, another send waits longer.
 */
export async function unreachedFailure(domus: Domus, send: () => Promise<void>): Promise<DomusError> {
  const { sendTimeout } = domus.config.snapshot();
  for (let waitMs = 400; ; waitMs *= 2) {
    domus.config.update({ sendTimeout: waitMs });
    const error = await failureOf(send()).finally(() => domus.config.update({ sendTimeout }));
    if (error.cause !== undefined || waitMs > 30_000) return error;
  }
}

/** The pipes to whoever runs the tests, and its timers, were there before. */
const before = activeResources();

/** Waits until no socket, server, timer, watcher or child process is left beyond those of the start. */
export function untilQuiet(): Promise<void> {
  return expectNoMoreThan(before);
}
