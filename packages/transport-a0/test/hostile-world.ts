/** A domus over TCP, an honest peer of it, and a hostile one with a good certificate that a test leads by hand. */
import assert from 'node:assert/strict';
import type { IssuedCertificate } from '@flaminia/certificates/internal';
import { DomusError } from '../src/domus-error.ts';
import type { TcpAddress } from '../src/tls-dial.ts';
import {
  freeAddress,
  issueAuthority,
  issueLeaf,
  type Leaf,
  openDomus,
  type TestDomus,
  until,
  untilQuiet,
} from './tcp-imperium.ts';
import { type Actor, ActorListener, actorDials } from './tls-actor.ts';

/** The nonce of a hostile initiator. */
export const NONCE: Buffer = Buffer.alloc(32, 0xa1);
/** Its AUTH_INIT. */
export const authInit: Buffer = message(1, NONCE);
export const CHALLENGE: Buffer = Buffer.of(3);

/** A message of the TCP handshake. */
export function message(type: number, ...payload: readonly Buffer[]): Buffer {
  return Buffer.concat([Buffer.of(type), ...payload]);
}

interface Members {
  readonly authority: IssuedCertificate;
  readonly domus: TestDomus;
  readonly honest: TestDomus;
  readonly address: TcpAddress;
  readonly leaf: Leaf;
  readonly listener: ActorListener;
}

export class HostileWorld {
  readonly authority: IssuedCertificate;
  /** The domus under attack. */
  readonly domus: TestDomus;
  /** The hostile peer: who it is, what it listens with. */
  readonly address: TcpAddress;
  readonly leaf: Leaf;
  readonly listener: ActorListener;
  private readonly honest: TestDomus;
  private readonly dialled: Actor[] = [];
  private readonly base: readonly string[];

  private constructor(members: Members, base: readonly string[]) {
    this.authority = members.authority;
    this.domus = members.domus;
    this.honest = members.honest;
    this.address = members.address;
    this.leaf = members.leaf;
    this.listener = members.listener;
    this.base = base;
  }

  static async open(): Promise<HostileWorld> {
    const base = process.getActiveResourcesInfo();
    const authority = await issueAuthority();
    const address = await freeAddress();
    const leaf = await issueLeaf(authority, address.text);
    const listener = await new ActorListener(leaf).listen(address);
    // One permit: any that is not given back fails every test behind.
    const domus = await openDomus(authority, { limits: { inboundHandshakeLimitTotal: 1 } });
    const honest = await openDomus(authority);
    return new HostileWorld({ authority, domus, honest, address, leaf, listener }, base);
  }

  /** The hostile peer connects. */
  async dial(over: Parameters<typeof actorDials>[2] = {}): Promise<Actor> {
    const actor = await actorDials(this.domus.address, this.leaf, over);
    this.dialled.push(actor);
    return actor;
  }

  /** The hostile peer begins as an initiator and is called back; gives the nonce for AUTH_PROOF. */
  async calledBack(primary: Actor): Promise<{ readonly callback: Actor; readonly nonceBCb: Buffer }> {
    primary.socket.write(authInit);
    const callback = await this.listener.nextActor();
    const bytes = await callback.take(65);
    assert.deepEqual([bytes.length, bytes[0], bytes.subarray(33).equals(NONCE)], [65, 2, true]);
    return { callback, nonceBCb: bytes.subarray(1, 33) };
  }

  /** Waits for the domus to end the connection; gives why. */
  async refusal(actor: Actor): Promise<DomusError> {
    const { error } = await this.domus.nextFailure();
    await until(() => actor.closed);
    assert.ok(DomusError.is(error), String(error));
    return error;
  }

  /** After each test: nobody was let in, and an honest peer still is. */
  async assertUnharmed(): Promise<void> {
    for (const actor of [...this.dialled.splice(0), ...this.listener.actors.splice(0)]) actor.socket.destroy();
    assert.equal(this.domus.accepted.length, 0, 'nobody was let in');
    this.domus.failures.length = 0;
    (await this.honest.dial(this.domus.address.text)).destroy();
    (await this.domus.nextAccepted()).destroy();
  }

  async close(): Promise<void> {
    for (const one of [this.domus, this.honest, this.listener]) await one.close();
    await untilQuiet(this.base);
  }
}
