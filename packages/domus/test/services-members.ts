/** What the cases of the services over sockets share: a service, and nodes of one imperium that end with their test. */
import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import { createAuthority, issueAuth } from '@flaminia/certificates';
import { assertEnded } from '@flaminia/testkit/internal';
import { type DomusAddr, tcpAddress } from '../src/index.ts';
import {
  anyAuthenticatedPeer,
  type CallContext,
  Imperium,
  type ImperiumOptions,
  type ProcedureError,
  serverStream,
  service,
  staticDiscovery,
  unary,
} from '../src/services.ts';
import { freePort, untilQuiet } from './socket-imperium.ts';

export const Hello = service('hello', 'v1', {
  greet: unary<string, string>({ idempotent: true }),
  count: serverStream<number, number>(),
});
const options = { verifier: anyAuthenticatedPeer() };
export const handlers = {
  greet: (name: string, _context: CallContext): string | Promise<string> => `hi ${name}`,
  count: async function* (to: number): AsyncIterable<number> {
    for (let i = 1; i <= to; i++) yield i;
  },
};
export const authority = createAuthority();

/** The members of one imperium over TCP; they leave with the test, and nothing of them may be left. */
export class Members {
  private readonly open: Imperium[] = [];
  private readonly ends: (() => Promise<void>)[] = [];

  constructor(t: TestContext) {
    t.after(async () => {
      await Promise.all(this.open.map((each) => each.leave({ drainTimeout: 0 })));
      for (const { domus } of this.open) assertEnded(domus);
      for (const end of this.ends) await end();
      await untilQuiet();
    });
  }

  async join(nodeId: string, given: Partial<ImperiumOptions> = {}): Promise<Imperium> {
    const auth = issueAuth({ ca: await authority, nodeId, nodeType: 'test' });
    const imperium = await Imperium.open({ address: 'tcp://127.0.0.1:0', auth, ...given });
    this.open.push(imperium);
    return imperium;
  }

  /** One that provides the service; what it greets with tells who it is. */
  async provider(nodeId: string, given: Partial<ImperiumOptions> = {}, own = handlers): Promise<Imperium> {
    const imperium = await this.join(nodeId, given);
    await imperium.provide(Hello, own, options);
    return imperium;
  }

  /** Ends something once all members have left. */
  onEnd(end: () => Promise<void>): void {
    this.ends.push(end);
  }
}

export const listing = (...addresses: readonly DomusAddr[]) =>
  staticDiscovery(addresses.map((address) => ({ address, services: ['hello/v1'] })));
export const named = (nodeId: string) => ({ ...handlers, greet: () => nodeId });
export const ABRUPT = { drainTimeout: 0, signal: AbortSignal.abort() };
export const freeAddress = async (): Promise<DomusAddr> => tcpAddress('127.0.0.1', await freePort());

/** The error that a promise ends with. */
export async function failureOf(promise: Promise<unknown>): Promise<ProcedureError> {
  return promise.then(
    () => assert.fail('it ended well'),
    (error: ProcedureError) => error,
  );
}
