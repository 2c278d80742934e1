/** Resumption as a way around certificates: an identity that has expired rides on a ticket from better days. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { after, before, test } from 'node:test';
import { createServer, type Server } from 'node:tls';
import type { TcpAddress } from '../src/tls-dial.ts';
import { HostileWorld } from './hostile-world.ts';
import { issueLeaf, type Leaf, LOOPBACK, until } from './tcp-imperium.ts';
import { actorDials } from './tls-actor.ts';

/** How long the first certificate lives that is to expire. */
const LIFE_MS = 3_000;

let world: HostileWorld;
before(async () => {
  world = await HostileWorld.open();
});
after(() => world.close());

/** TLS as Node offers it, with the same demands on certificates: what the attack works against. */
async function plainNode(): Promise<{ readonly server: Server; readonly address: TcpAddress }> {
  const { issued, chain } = await issueLeaf(world.authority, world.address.text);
  const demands = { ca: world.authority.certificatePem, requestCert: true, rejectUnauthorized: true };
  const server = createServer({ cert: chain, key: issued.privateKeyPem, ...demands }, (socket) => {
    socket.on('error', () => {});
    socket.end(socket.authorized ? 'in' : 'out');
  });
  server.listen(0, LOOPBACK);
  await once(server, 'listening');
  return { server, address: { ...world.address, port: (server.address() as AddressInfo).port } };
}

/** What a dialler gets at once: the tickets, and the text of {@link plainNode}. */
async function visit(
  address: TcpAddress,
  leaf: Leaf,
  session?: Buffer,
): Promise<{ sessions: Buffer[]; reused: boolean; text: string }> {
  const sessions: Buffer[] = [];
  const actor = await actorDials(address, leaf, {
    minVersion: 'TLSv1.3',
    ...(session === undefined ? {} : { session }),
  });
  actor.socket.on('session', (one: Buffer) => sessions.push(one));
  const reused = actor.socket.isSessionReused();
  if (address.port === world.domus.address.port) actor.socket.end(Buffer.of(9));
  await until(() => actor.closed);
  const last = actor.socket.getSession();
  return { sessions: last === undefined ? sessions : [...sessions, last], reused, text: actor.bytes.toString() };
}

/** Both visits while the certificate is good; one that has expired meanwhile is followed by one with a longer life. */
async function visitInTime(address: TcpAddress) {
  for (let lifeMs = LIFE_MS; ; lifeMs *= 2) {
    const expiry = new Date(Math.ceil(Date.now() / 1_000) * 1_000 + lifeMs);
    const leaf = await issueLeaf(world.authority, world.address.text, { notAfter: expiry });
    const tickets = await visit(address, leaf);
    const kept = await visit(world.domus.address, leaf);
    const { error } = await world.domus.nextFailure();
    if (Date.now() < expiry.getTime()) return { expiry, leaf, tickets, kept, error };
  }
}

test('[a0-auth-21] an expired certificate does not come in on the ticket of its good days, which plain TLS lets in', async () => {
  const { server, address } = await plainNode();
  const { expiry, leaf, tickets, kept, error } = await visitInTime(address);
  assert.deepEqual([tickets.text, tickets.reused], ['in', false]);
  assert.equal(error.message.includes('protocol-violation'), true, 'judged by its message');

  await until(() => Date.now() > expiry.getTime() + 1_000);
  const revived = await visit(address, leaf, tickets.sessions[0]);
  assert.deepEqual([revived.text, revived.reused], ['in', true], 'the attack works where sessions are resumed');
  for (const session of [...kept.sessions, ...tickets.sessions]) {
    const refused = await visit(world.domus.address, leaf, session);
    assert.deepEqual([refused.reused, refused.text], [false, '']);
    assert.match((await world.domus.nextFailure()).error.message, /expired/);
  }
  server.close();
  await world.assertUnharmed();
});
