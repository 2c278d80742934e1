/** The TCP backend among honest peers, and what ends a handshake from this side. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { networkInterfaces } from 'node:os';
import { after, afterEach, before, test } from 'node:test';
import type { IssuedCertificate } from '@flaminia/certificates/internal';
import { parseAddress } from '../src/address.ts';
import { DomusError } from '../src/domus-error.ts';
import type { AuthenticatedStream } from '../src/stream.ts';
import { TcpBackend } from '../src/tcp-backend.ts';
import {
  freeAddress,
  issueAuthority,
  issueLeaf,
  LOOPBACK,
  materialOf,
  openDomus,
  TestDomus,
  until,
  untilQuiet,
} from './tcp-imperium.ts';
import { ActorListener, actorDials, Decoy } from './tls-actor.ts';

let authority: IssuedCertificate;
const opened: { close(): void | Promise<void> }[] = [];
let base: string[] = [];

before(async () => {
  authority = await issueAuthority();
  base = process.getActiveResourcesInfo();
});

afterEach(async () => {
  for (const one of opened.splice(0)) await one.close();
  await untilQuiet(base);
});

async function open(options: Parameters<typeof openDomus>[1] = {}): Promise<TestDomus> {
  const domus = await openDomus(authority, options);
  opened.push(domus);
  return domus;
}

/** Reads a stream to its end. */
function reading(stream: AuthenticatedStream): {
  readonly chunks: Buffer[];
  ended: boolean;
  closes: (Error | undefined)[];
} {
  const seen = { chunks: [] as Buffer[], ended: false, closes: [] as (Error | undefined)[] };
  stream.start({
    bytes: (chunk, reused) => seen.chunks.push(reused ? Buffer.from(chunk) : chunk),
    ended: () => {
      seen.ended = true;
    },
    drained: () => {},
    closed: (error) => seen.closes.push(error),
  });
  return seen;
}

test('[a0-tcp-1] [a0-tcp-13] [a0-tcp-8] two domus authenticate each other, and bytes flow both ways', async () => {
  const [a, b] = [await open(), await open()];
  const dialled = await a.dial(b.address.text);
  const accepted = await b.nextAccepted();
  assert.deepEqual(
    [dialled.direction, dialled.peer.address, dialled.challengeSequence],
    ['dialled', b.address.text, 0],
  );
  assert.deepEqual(
    [accepted.direction, accepted.peer.address, accepted.challengeSequence],
    ['accepted', a.address.text, 1],
  );
  assert.deepEqual([dialled.peer.nodeId, dialled.peer.nodeType], ['node-1', 'worker']);
  assert.equal(dialled.peer.certificate?.fingerprint256, b.material.chain[0].fingerprint256);

  const [there, back] = [reading(accepted), reading(dialled)];
  dialled.write(Buffer.from('ping'));
  await until(() => there.chunks.length > 0);
  accepted.write(Buffer.from('pong'));
  await until(() => back.chunks.length > 0);
  dialled.end();
  await until(() => there.ended);
  accepted.write(Buffer.from(' and more after the half close'));
  accepted.end();
  await until(() => back.closes.length > 0 && there.closes.length > 0);
  assert.equal(Buffer.concat(there.chunks).toString(), 'ping');
  assert.equal(Buffer.concat(back.chunks).toString(), 'pong and more after the half close');
  assert.deepEqual([there.closes, back.closes], [[undefined], [undefined]]);
  assert.deepEqual([a.failures, b.failures], [[], []]);
});

test('[a1-keep-3] the system probes an idle connection from both ends', {
  skip: process.platform !== 'linux' && 'only Linux shows the timers of its sockets',
}, async () => {
  const [a, b] = [await open(), await open()];
  const ends = [await a.dial(b.address.text), await b.nextAccepted()];
  const both = [KEEP_ALIVE_TIMER, KEEP_ALIVE_TIMER].join();
  await until(() => establishedTimers(b.address.port).join() === both).finally(() => {
    for (const end of ends) end.destroy();
  });
});

test('[a0-tcp-14] bytes behind AUTH_PROOF are the first that the reader of the stream gets', async () => {
  const [a, b] = [await open(), await open()];
  const dialled = await a.dial(b.address.text);
  const sent = Buffer.alloc(200_000, 'x');
  dialled.write(sent);
  dialled.end();
  const accepted = await b.nextAccepted();
  const seen = reading(accepted);
  await until(() => seen.ended);
  assert.equal(Buffer.concat(seen.chunks).equals(sent), true);
  accepted.end();
  dialled.destroy();
  await until(() => seen.closes.length === 1);
});

test('[a0-adm-10] both sides dialling at once both succeed', async () => {
  const [a, b] = [await open(), await open()];
  const dials = await Promise.all(
    Array.from({ length: 10 }, (_, index) => (index % 2 === 0 ? a.dial(b.address.text) : b.dial(a.address.text))),
  );
  await until(() => a.accepted.length === 5 && b.accepted.length === 5);
  assert.deepEqual(b.accepted.map((stream) => stream.challengeSequence).sort(), [1, 2, 3, 4, 5]);
  for (const stream of dials) stream.destroy();
});

test('[a0-adm-1] [a0-adm-4] a callback holds a permit only while it lasts: one permit is enough for sequential dials', async () => {
  const [a, b] = [
    await open({ limits: { inboundHandshakeLimitTotal: 1 } }),
    await open({ limits: { inboundHandshakeLimitTotal: 1 } }),
  ];
  for (let round = 0; round < 5; round++) {
    (await a.dial(b.address.text)).destroy();
    (await b.nextAccepted()).destroy();
  }
  assert.deepEqual([a.refusals, b.refusals, a.failures.length, b.failures.length], [0, 0, 0, 0]);
});

test('nobody there: peer-unavailable with the cause', async () => {
  const a = await open();
  const { text } = await freeAddress();
  await assert.rejects(a.dial(text), (error) => {
    assert.ok(DomusError.is(error) && error.kind === 'peer-unavailable' && error.retryable && error.peer === text);
    assert.match(error.message, /connection refused/);
    assert.equal((error.cause as NodeJS.ErrnoException).code, 'ECONNREFUSED');
    return true;
  });
});

test('[a0-addr-3] a TCP domus does not dial the other kind of address', async () => {
  const a = await open();
  await assert.rejects(a.dial('unix:///tmp/x.sock'), { kind: 'address-mismatch' });
});

test('[a0-tcp-1] [case-14] a dial to somebody else than the address says is an address-mismatch', async () => {
  const [a, address, other] = [await open(), await freeAddress(), await freeAddress()];
  const listener = await new ActorListener(await issueLeaf(authority, other.text)).listen(address);
  opened.push(listener);
  await assert.rejects(a.dial(address.text), { kind: 'address-mismatch', peer: address.text });
  assert.equal((await listener.heard()).length, 0);
});

test('an aborted dial rejects and frees everything, at each stage', async () => {
  const a = await open();
  const gone = new AbortController();
  gone.abort();
  await assert.rejects(a.dial((await freeAddress()).text, gone.signal), {
    kind: 'peer-unavailable',
    detail: 'aborted',
  });

  const decoy = new Decoy();
  const { address, port } = await decoy.listen();
  opened.push(decoy);
  const inTls = new AbortController();
  const first = a.dial(`tcp://${address}:${port}`, inTls.signal);
  await until(() => decoy.connections === 1);
  inTls.abort();
  await assert.rejects(first, { kind: 'peer-unavailable', detail: 'aborted' });

  const silent = await freeAddress();
  const listener = await new ActorListener(await issueLeaf(authority, silent.text)).listen(silent);
  opened.push(listener);
  const inCallback = new AbortController();
  const second = a.dial(silent.text, inCallback.signal);
  const actor = await listener.nextActor();
  await actor.take(33);
  inCallback.abort();
  await assert.rejects(second, { kind: 'peer-unavailable', detail: 'aborted' });
  await until(() => actor.closed);
});

test('close ends all handshakes under way, refuses later dials, and leaves streams alone', async () => {
  const [a, b] = [await open(), await open()];
  const living = await a.dial(b.address.text);
  const other = await b.nextAccepted();
  const silent = await freeAddress();
  const listener = await new ActorListener(await issueLeaf(authority, silent.text)).listen(silent);
  opened.push(listener);
  const pending = a.dial(silent.text);
  const actor = await listener.nextActor();
  await a.backend.close();
  await a.backend.close();
  await assert.rejects(pending, { kind: 'domus-closed' });
  await assert.rejects(a.dial(b.address.text), { kind: 'domus-closed' });
  await assert.rejects(a.backend.listen(), { kind: 'invalid-state' });
  await until(() => actor.closed);
  const seen = reading(other);
  living.write(Buffer.from('still here'));
  await until(() => seen.chunks.length > 0);
  living.destroy();
  await until(() => seen.ended);
  other.destroy();
  await until(() => seen.closes.length === 1);
  const again = new TestDomus(a.address, a.material, {});
  await again.backend.listen();
  await again.close();
});

test('a port in use is bind-failed, and names the address', async () => {
  const a = await open();
  const second = new TestDomus(a.address, a.material, {});
  await assert.rejects(second.backend.listen(), (error) => {
    assert.ok(DomusError.is(error) && error.kind === 'bind-failed');
    assert.match(error.message, new RegExp(`${a.address.ip}:${a.address.port}.*in use`));
    return true;
  });
  await second.close();
});

test('an ip that this machine does not have is bind-failed', async () => {
  const address = parseAddress('tcp://192.0.2.1:7000');
  assert.ok(address.kind === 'tcp');
  const leaf = await issueLeaf(authority, address.text);
  const domus = new TestDomus(address, materialOf(authority, leaf), {});
  await assert.rejects(domus.backend.listen(), { kind: 'bind-failed' });
});

test('[a0-tcp-2] [a0-tcp-3] behind `listen` the identity stays the address, and a source ip that this machine lacks is not insisted on', async () => {
  const behind = await freeAddress();
  const b = await open();
  // The address is one of the documentation range, which no machine has.
  const outside = parseAddress(`tcp://192.0.2.1:${behind.port}`);
  assert.ok(outside.kind === 'tcp');
  const leaf = await issueLeaf(authority, outside.text);
  const a = await open({ address: outside, leaf, listen: `${behind.ip}:${behind.port}` });
  const dialled = a.dial(b.address.text);
  const failure = await b.nextFailure();
  assert.match(failure.error.message, /names tcp:\/\/192\.0\.2\.1:\d+, but the connection comes from 127\./);
  await assert.rejects(dialled, { kind: 'peer-unavailable' });
});

test('`listen` is checked', async () => {
  const address = await freeAddress();
  const leaf = await issueLeaf(authority, address.text);
  const material = materialOf(authority, leaf);
  for (const listen of [
    '',
    'localhost:80',
    '127.0.0.1',
    '127.0.0.1:0',
    '127.0.0.1:65536',
    '::1:80',
    '[::1]',
    '1.2.3:80',
  ]) {
    assert.throws(
      () => new TestDomus(address, material, { listen }),
      { kind: 'invalid-config', detail: 'listen' },
      listen,
    );
  }
});

/** Why the tests of IPv6 cannot run here, if so; what fails where there is IPv6 is a failure. */
const withoutIpv6 = Object.values(networkInterfaces()).some((all) => all?.some(({ address }) => address === '::1'))
  ? false
  : 'this machine has no IPv6';

test('[a0-tcp-2] an IPv4 dialler reaches a listener of both families: its mapped source ip is its own', {
  skip: withoutIpv6,
}, async () => {
  const port = (await freeAddress('127.0.0.1')).port;
  const address = parseAddress(`tcp://127.0.0.1:${port}`);
  assert.ok(address.kind === 'tcp');
  const leaf = await issueLeaf(authority, address.text);
  const b = new TestDomus(address, materialOf(authority, leaf), { listen: `[::]:${port}` });
  opened.push(b);
  await b.backend.listen();
  const a = await open();
  (await a.dial(b.address.text)).destroy();
  const accepted = await b.nextAccepted();
  assert.equal(accepted.peer.address, a.address.text);
  accepted.destroy();
});

test('[a0-addr-2] domus on IPv6 compare addresses as values', { skip: withoutIpv6 }, async () => {
  const address = await freeAddress('::1');
  const names = [
    { kind: 'uri', value: `aurelia+tcp://[0:0:0:0:0:0:0:1]:${address.port}` },
    { kind: 'uri', value: `aurelia+tcp://[::1]:${address.port}` },
    { kind: 'ip', value: '::1' },
  ] as const;
  const leaf = await issueLeaf(authority, address.text, { extensions: [{ kind: 'subject-alternative-name', names }] });
  const a = await open({ address, leaf });
  const b = await open({ address: await freeAddress('::1') });
  (await b.dial(a.address.text)).destroy();
  const accepted = await a.nextAccepted();
  assert.equal(accepted.peer.address, b.address.text);
  accepted.destroy();
});

test('[a0-rot-4] [a0-rot-1] new material serves later handshakes, also under a new authority, and live streams go on', async () => {
  const [a, b] = [await open(), await open()];
  const before = await a.dial(b.address.text);
  const beforeThere = await b.nextAccepted();
  const next = await issueAuthority({ subject: [{ type: 'CN', value: 'next authority' }] });
  for (const domus of [a, b]) domus.material = materialOf(next, await issueLeaf(next, domus.address.text));
  const later = await a.dial(b.address.text);
  assert.equal(later.peer.certificate?.fingerprint256, b.material.chain[0].fingerprint256);
  const seen = reading(beforeThere);
  before.write(Buffer.from('old callis'));
  await until(() => seen.chunks.length > 0);
  for (const stream of [before, beforeThere, later]) stream.destroy();
});

test('[a0-tcp-9] [a0-rot-2] a handshake under way ends with the material that it began with', async () => {
  const a = await open();
  const address = await freeAddress();
  const leaf = await issueLeaf(authority, address.text);
  const listener = await new ActorListener(leaf).listen(address);
  opened.push(listener);
  // The actor dials, and when it is called back it sees the leaf that it saw as a client, though there is a new one.
  const primary = await actorDials(a.address, leaf);
  const seen = primary.socket.getPeerX509Certificate()?.fingerprint256;
  a.material = materialOf(authority, await issueLeaf(authority, a.address.text));
  primary.socket.write(Buffer.concat([Buffer.of(1), Buffer.alloc(32)]));
  const callback = await listener.nextActor();
  assert.equal(callback.socket.getPeerX509Certificate()?.fingerprint256, seen);
  assert.notEqual(seen, a.material.chain[0].fingerprint256);
  callback.socket.destroy();
  primary.socket.destroy();
});

test('[a0-rot-3] what cannot serve is refused when it is prepared, and what is in force goes on', async () => {
  const [a, b, other] = [await open(), await open(), await freeAddress()];
  const stranger = materialOf(authority, await issueLeaf(authority, other.text));
  assert.throws(() => a.backend.prepare(stranger), { kind: 'address-mismatch' });
  // Prepared and not taken: what `material` gives is what counts.
  a.backend.prepare(materialOf(authority, await issueLeaf(authority, a.address.text)));
  const dialled = await b.dial(a.address.text);
  assert.equal(dialled.peer.certificate?.fingerprint256, a.material.chain[0].fingerprint256);
  for (const stream of [dialled, await a.nextAccepted()]) stream.destroy();
});

test('material of another address is refused when it is to be used', async () => {
  const [a, other] = [await open(), await freeAddress()];
  a.material = materialOf(authority, await issueLeaf(authority, other.text));
  await assert.rejects(a.dial(other.text), { kind: 'address-mismatch' });
  assert.throws(() => new TestDomus(a.address, a.material, {}), { kind: 'address-mismatch' });
});

test('an address without a port, or of the other kind, is invalid-config', () => {
  for (const address of [`tcp://${LOOPBACK}:0`, 'unix:///tmp/x.sock'] as const) {
    const unused = (): never => {
      throw new Error('not to be called');
    };
    const events = { accepted: unused, inboundFailed: unused, admissionRefused: unused, listenerFailed: unused };
    const options = { address, limits: unused, material: unused, nextSequence: unused, events };
    assert.throws(() => new TcpBackend(options), { kind: 'invalid-config', detail: 'address' });
  }
});

after(() => untilQuiet(base));

/** What /proc/net/tcp calls the timer of keep-alive probes; 00 is none. */
const KEEP_ALIVE_TIMER = '02';

/** The timers of the established IPv4 connections of a port, both ends of each. */
function establishedTimers(port: number): string[] {
  const hex = `:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  const rows = readFileSync('/proc/net/tcp', 'utf8').trim().split('\n').slice(1);
  return rows.flatMap((row) => {
    const [, local, remote, state, , timer] = row.trim().split(/\s+/) as [
      string,
      string,
      string,
      string,
      string,
      string,
    ];
    return state === '01' && (local.endsWith(hex) || remote.endsWith(hex)) ? [timer.slice(0, 2)] : [];
  });
}
