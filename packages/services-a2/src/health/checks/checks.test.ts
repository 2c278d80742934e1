import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer as createHttpServer } from 'node:http';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { test } from 'node:test';
import { DomusError } from '@flaminia/transport-a0';
import { ManualClock } from '../../../test/manual-clock.ts';
import { HealthBoard } from '../health-board.ts';
import type { HealthCheck } from '../health-check.ts';
import { dnsCheck } from './dns-check.ts';
import { domusCheck } from './domus-check.ts';
import { functionCheck } from './function-check.ts';
import { httpCheck } from './http-check.ts';
import { tcpCheck } from './tcp-check.ts';

async function listening(t: { after(done: () => unknown): void }, server: Server): Promise<number> {
  await once(server.listen(0, '127.0.0.1'), 'listening');
  t.after(() => server.listening && new Promise((resolve) => server.close(resolve)));
  return (server.address() as AddressInfo).port;
}

async function closedPort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

const run = async (check: HealthCheck, signal = new AbortController().signal): Promise<unknown> => check(signal);

test('[case-25] tcp: passes where somebody listens, and lets go of the socket', async (t) => {
  const server = createServer();
  const port = await listening(t, server);
  const ended = once(server, 'connection').then(([socket]) => once(socket.resume(), 'close'));
  await run(tcpCheck({ host: '127.0.0.1', port }));
  await ended;
  await assert.rejects(run(tcpCheck({ host: '127.0.0.1', port: await closedPort() })), /ECONNREFUSED/);
});

test('[case-26] tcp and http: the signal ends a run that hangs, sockets included', async (t) => {
  const silent = createServer();
  const port = await listening(t, silent);
  const controller = new AbortController();
  const arrived = once(silent, 'connection');
  const running = run(httpCheck(`http://127.0.0.1:${port}/`), controller.signal);
  const [socket] = await arrived;
  const closed = once(socket.resume(), 'close');
  controller.abort();
  await assert.rejects(running, { name: 'AbortError' });
  await closed;
  await assert.rejects(run(tcpCheck({ host: '127.0.0.1', port }), AbortSignal.abort()), { name: 'AbortError' });
});

test('[case-25] http: the expected status passes, another and a refused connection fail', async (t) => {
  const asked: (string | undefined)[] = [];
  const server = createHttpServer((request, response) => {
    asked.push(`${request.method} ${request.url} ${request.headers['x-probe'] ?? ''}`);
    response.writeHead(Number(request.url?.slice(1)));
    // A body without an end, where there may be one: the status is enough.
    response.flushHeaders();
    response.write('.');
  });
  const port = await listening(t, server);
  const at = (status: number) => `http://127.0.0.1:${port}/${status}`;
  await run(httpCheck(at(204)));
  await run(httpCheck(new URL(at(302)), { expect: 302, method: 'HEAD', headers: { 'x-probe': 'yes' } }));
  await run(httpCheck(at(404), { expect: [200, 404] }));
  await run(httpCheck(at(418), { expect: (status) => status >= 400 }));
  await assert.rejects(run(httpCheck(at(302))), /answered 302/);
  await assert.rejects(run(httpCheck(at(503))), /answered 503/);
  await assert.rejects(run(httpCheck(at(200), { expect: [201] })), /answered 200/);
  const throwing = () => {
    throw new Error('no idea');
  };
  await assert.rejects(run(httpCheck(at(200), { expect: throwing })), /no idea/);
  await assert.rejects(run(httpCheck(`http://127.0.0.1:${await closedPort()}/`)), /ECONNREFUSED/);
  assert.equal(asked[1], 'HEAD /302 yes');
  await new Promise((resolve) => {
    server.close(resolve);
    server.closeAllConnections();
  });
});

test('[case-26] http: an answer that goes over to another protocol is one too, and its socket is let go of', async (t) => {
  const server = createServer((socket) => {
    socket.once('data', () =>
      socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n'),
    );
  });
  const port = await listening(t, server);
  const ended = once(server, 'connection').then(([socket]) => once(socket, 'close'));
  await assert.rejects(run(httpCheck(`http://127.0.0.1:${port}/`)), /answered 101/);
  await ended;
  await run(httpCheck(`http://127.0.0.1:${port}/`, { expect: 101 }));
});

test('[case-25] dns: passes where the name has an address', async () => {
  await run(dnsCheck('localhost'));
  await run(dnsCheck('db', { lookup: async (name) => [`${name}-1`] }));
  await assert.rejects(run(dnsCheck('db', { lookup: async () => [] })), /db has no address/);
  await assert.rejects(run(dnsCheck('db', { lookup: () => Promise.reject(new Error('SERVFAIL')) })), /SERVFAIL/);
});

test('[case-25] domus: passes where the ping is answered, and soon enough where that is asked', async () => {
  const signals: AbortSignal[] = [];
  const ping = (roundTripMs: number) => (signal: AbortSignal) => {
    signals.push(signal);
    return Promise.resolve(roundTripMs);
  };
  const { signal } = new AbortController();
  await run(domusCheck(ping(3)), signal);
  assert.deepEqual(signals, [signal]);
  await run(domusCheck(ping(50), { maxRoundTripMs: 50 }));
  await assert.rejects(run(domusCheck(ping(51), { maxRoundTripMs: 50 })), /took 51 ms/);
  await assert.rejects(run(domusCheck(ping(Number.NaN))), /no round-trip time/);
  await assert.rejects(run(domusCheck(() => Promise.reject(new Error('gone')))), /gone/);
});

test('[case-24] function: whatever the function answers; a missing one is an error', async () => {
  assert.equal(await run(functionCheck(() => false)), false);
  assert.throws(
    () => functionCheck(undefined as unknown as HealthCheck),
    (error) => DomusError.is(error) && error.kind === 'invalid-config',
  );
});

test('[case-25] [case-26] all kinds on one board over real sockets: one fails, one hangs, the others stay well', async (t) => {
  const clock = new ManualClock();
  const board = new HealthBoard({ clock, wallClock: () => clock.now() });
  t.after(() => board.close());
  const port = await listening(
    t,
    createServer((socket) => socket.resume()),
  );
  const changed = new Promise<void>((resolve) => {
    const healthy = new Set<string>();
    board.onChange((change) => {
      if (change.kind === 'check' && change.state === 'healthy') healthy.add(change.name);
      if (healthy.size === 4) resolve();
    });
  });
  const once = { successThreshold: 1, failureThreshold: 1 };
  board.add(
    'function',
    functionCheck(() => true),
    once,
  );
  board.add('tcp', tcpCheck({ host: '127.0.0.1', port }), once);
  board.add('http', httpCheck(`http://127.0.0.1:${port}/`), once);
  board.add('dns', dnsCheck('localhost'), once);
  board.add(
    'domus',
    domusCheck(async () => 1),
    once,
  );
  await changed;
  assert.equal(board.state, 'unknown');
  await clock.advance(2_000);
  const states = Object.fromEntries(board.status().checks.map(({ name, state }) => [name, state]));
  assert.equal(states.http, 'unhealthy');
  assert.equal(board.state, 'unhealthy');
  assert.equal(board.status().checks.find(({ name }) => name === 'http')?.error, 'no answer within 2000 ms');
});

test('targets that are none are invalid-config, and a text with a password is not shown', () => {
  const misuse: (() => unknown)[] = [
    () => tcpCheck({ host: '', port: 1 }),
    () => tcpCheck({ host: 'a', port: 0 }),
    () => tcpCheck({ host: 'a', port: 65_536 }),
    () => tcpCheck(undefined as never),
    () => httpCheck('ftp://user:secret@a/'),
    () => httpCheck('secret'),
    () => httpCheck('http://a/', { expect: 99 }),
    () => httpCheck('http://a/', { expect: [] }),
    () => httpCheck('http://a/', { method: 'POST' as never }),
    () => dnsCheck(''),
    () => domusCheck(undefined as never),
    () => domusCheck(async () => 1, { maxRoundTripMs: 0 }),
  ];
  for (const make of misuse) {
    assert.throws(make, (error) => {
      return DomusError.is(error) && error.kind === 'invalid-config' && !error.message.includes('secret');
    });
  }
});
