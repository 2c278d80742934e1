/** The callback of TCP as a weapon: a domus is made to dial a victim, as often and as widely as an attacker can. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { IssuedCertificate } from '@flaminia/certificates/internal';
import type { TcpAddress } from '../src/tls-dial.ts';
import { authInit } from './hostile-world.ts';
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

const PERMITS = 8;
const ATTACKERS = 40;
const AUTH_INIT_BYTES = 33;

/** Somebody who is to be flooded: it lets callbacks stand, and counts them. */
class Victim {
  readonly address: TcpAddress;
  readonly leaf: Leaf;
  readonly listener: ActorListener;
  dials = 0;
  open = 0;
  peak = 0;

  constructor(address: TcpAddress, leaf: Leaf) {
    this.address = address;
    this.leaf = leaf;
    this.listener = new ActorListener(leaf);
    this.listener.server.on('connection', (socket) => {
      this.dials++;
      this.peak = Math.max(this.peak, ++this.open);
      socket.on('close', () => this.open--);
    });
  }
}

let base: readonly string[] = [];
let authority: IssuedCertificate;
let domus: TestDomus;
let victim: Victim;
before(async () => {
  base = process.getActiveResourcesInfo();
  authority = await issueAuthority();
  domus = await openDomus(authority, { limits: { inboundHandshakeLimitTotal: PERMITS } });
  const address = await freeAddress();
  victim = new Victim(address, await issueLeaf(authority, address.text));
  await victim.listener.listen(address);
});
after(async () => {
  await domus.close();
  victim.listener.close();
  await untilQuiet(base);
});

/** Attackers connect with a leaf and say AUTH_INIT; those that find no permit are left out. */
async function attack(leaf: Leaf): Promise<Actor[]> {
  const actors: Actor[] = [];
  for (let i = 0; i < ATTACKERS; i++) {
    const actor = await actorDials(domus.address, leaf);
    actor.socket.write(authInit);
    actors.push(actor);
  }
  return actors;
}

test('[a0-tcp-7] [a0-adm-1] a victim is dialled at most once per connection and never more often at once than there are permits', async () => {
  const actors = await attack(victim.leaf);
  await until(() => victim.listener.actors.length === PERMITS);
  assert.deepEqual([victim.dials, victim.peak, domus.refusals], [PERMITS, PERMITS, ATTACKERS - PERMITS]);
  for (const callback of victim.listener.actors) await callback.take(1);
  const heard = victim.listener.actors.reduce((sum, { bytes }) => sum + bytes.length, 0);
  assert.ok(heard <= 3 * AUTH_INIT_BYTES * PERMITS, `${heard} bytes inside TLS for ${PERMITS} AUTH_INITs`);
  // Nothing follows: the attackers go, and their callbacks with them.
  for (const { socket } of actors) socket.destroy();
  await until(() => victim.open === 0);
  assert.equal(victim.dials, PERMITS);
});

test('[a0-tcp-2] nobody is dialled for a certificate that does not hold, or that comes from elsewhere', async () => {
  const before = victim.dials;
  const stranger = await issueAuthority();
  const strange = await issueLeaf(stranger, victim.address.text);
  // The ip of this leaf is not the source of the connection.
  const distant = await issueLeaf(authority, `tcp://127.255.255.254:${victim.address.port}`);
  for (const leaf of [strange, distant]) {
    domus.failures.length = 0;
    for (let i = 0; i < 5; i++) {
      const actor = await actorDials(domus.address, leaf);
      actor.socket.write(authInit);
      await domus.nextFailure();
      await until(() => actor.closed);
    }
  }
  assert.deepEqual([victim.dials, domus.accepted.length], [before, 0]);
});
