import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { createAuthority, issueAuth } from '@flaminia/certificates';
import { type DomusAddr, type DomusError, tcpAddress, unixAddress } from '@flaminia/transport-a0';
import { failureOf } from '../test/memory-bench.ts';
import { expiredMaterial } from '../test/rotation-material.ts';
import { freePort, SocketImperium } from '../test/socket-imperium.ts';
import { type AuthWatch, authFromFiles } from './auth-sources.ts';
import { Domus } from './domus.ts';
import type { DomusOptions } from './options.ts';

const ca = createAuthority();
const auth = async (address: DomusAddr): ReturnType<ReturnType<typeof issueAuth>> =>
  issueAuth({ ca: await ca, nodeId: 'node' })(address);

/** Opens with options of any shape; what opens against expectation is closed again. */
async function refusal(options: unknown): Promise<DomusError> {
  return failureOf(Domus.open(options as DomusOptions).then((domus) => domus.shutdown()));
}

test('[api-2] [api-3] [case-17] addresses that are none are invalid-config, with the rule and what was given', async () => {
  const rows: [unknown, RegExp][] = [
    [undefined, /must be a string, got undefined/],
    [7000, /must be a string/],
    ['', /must begin with "tcp:\/\/" or "unix:\/\/"/],
    ['127.0.0.1:7000', /must begin with/],
    ['http://127.0.0.1:7000', /must begin with/],
    ['tcp://', /ip literal/],
    ['tcp://127.0.0.1', /ip literal/],
    ['tcp://localhost:7000', /ip literal/],
    ['tcp://127.0.0.1:65536', /port must be 0\.\.65535/],
    ['tcp://127.0.0.1:-1', /ip literal/],
    ['tcp://127.0.0.256:7000', /ip literal/],
    ['tcp://::1:7000', /ip literal/],
    ['tcp://[::1]', /ip literal/],
    ['tcp://[::1%lo]:7000', /ip literal/],
    ['tcp://0.0.0.0:7000', /wildcard/],
    ['tcp://[::]:7000', /wildcard/],
    ['tcp://0.0.0.0:0', /wildcard/],
    ['unix://relative.sock', /absolute/],
    ['unix:///tmp/../x', /canonical/],
    ['unix:///tmp//x', /canonical/],
    ['unix:///tmp/x/', /canonical/],
    ['unix:///tmp/\0', /NUL/],
    [`unix:///${'x'.repeat(4096)}`, /4096 bytes/],
  ];
  for (const [address, text] of rows) {
    const error = await refusal({ address, auth });
    assert.deepEqual([error.kind, error.detail, error.delivery], ['invalid-config', 'address', 'not-sent']);
    assert.match(error.message, text);
  }
});

test('[api-5] [case-9] [case-17] auth that is none, or gives none, is invalid-config, and shows nothing of what it was', async () => {
  const address = tcpAddress('127.0.0.1', await freePort());
  const good = await auth(address);
  const secret = good.key;
  const boom = new Error('no such vault');
  const rows: [unknown, detail: string][] = [
    [undefined, 'auth'],
    [null, 'auth'],
    [secret, 'auth'],
    [7, 'auth'],
    [() => undefined, 'what auth gives'],
    [async () => secret, 'what auth gives'],
    [
      () => {
        throw boom;
      },
      'auth',
    ],
    [() => Promise.reject(boom), 'auth'],
    [{}, 'ca'],
    [{ ...good, ca: '' }, 'ca'],
    [{ ...good, ca: [] }, 'ca'],
    [{ ...good, ca: secret }, 'ca'],
    [{ ...good, ca: 'text' }, 'ca'],
    [{ ...good, ca: Buffer.from([0x30, 3, 1, 1, 1]) }, 'ca'],
    [{ ...good, ca: good.cert }, 'ca'],
    [{ ...good, cert: undefined }, 'cert'],
    [{ ...good, cert: good.ca }, 'key'],
    [{ ...good, cert: good.cert.replace('MII', 'MIJ') }, 'cert'],
    [{ ...good, key: '' }, 'key'],
    [{ ...good, key: good.cert }, 'key'],
    [{ ...good, key: (await auth(address)).key }, 'key'],
    [{ ...good, key: secret.replace('PRIVATE KEY', 'EC PRIVATE KEY') }, 'key'],
    [authFromFiles({ ca: '/nowhere/ca.pem', cert: '/nowhere/cert.pem', key: '/nowhere/key.pem' }), 'ENOENT'],
  ];
  for (const [number, [given, detail]] of rows.entries()) {
    const error = await refusal({ address, auth: given });
    assert.deepEqual([error.kind, error.detail], ['invalid-config', detail], `row ${number}: ${error.message}`);
    assert.ok(!`${error.message}${String(error.cause)}`.includes(secret.slice(60, 90)), `row ${number}`);
  }
  assert.equal((await refusal({ address, auth: () => Promise.reject(boom) })).cause, boom);
});

test('[case-5] a leaf that has run out is invalid-config, and one that has a minute left is not', async () => {
  const address = tcpAddress('127.0.0.1', await freePort());
  const error = await refusal({ address, auth: await expiredMaterial(address, await ca) });
  assert.deepEqual([error.kind, error.detail], ['invalid-config', 'cert']);
  assert.match(error.message, /cert has expired, on .* GMT/);
  const short = await issueAuth({ ca: await ca, nodeId: 'node', ttlMs: 60_000 })(address);
  await (await Domus.open({ address, auth: short })).shutdown();
});

test('[api-43] a source whose watch is asynchronous is refused, and not heard any more', async () => {
  const source = issueAuth({ ca: await ca, nodeId: 'node' });
  let [asked, changed] = [0, (): void => {}];
  const count = (address: DomusAddr) => {
    asked++;
    return source(address);
  };
  const watch = (async (tell: () => void) => {
    changed = tell;
  }) as unknown as AuthWatch;
  const error = await refusal({ address: 'tcp://127.0.0.1:7', auth: Object.assign(count, { watch }) });
  assert.deepEqual([error.kind, error.detail], ['invalid-config', 'auth']);
  changed();
  await turn();
  assert.equal(asked, 1);
});

test('[api-6] a leaf that names another address is address-mismatch, with both addresses', async () => {
  const rows: [own: DomusAddr, named: DomusAddr, kind: string][] = [
    ['tcp://127.0.0.1:7000', 'tcp://127.0.0.1:7001', 'address-mismatch'],
    ['tcp://127.0.0.1:7000', 'tcp://127.0.0.2:7000', 'address-mismatch'],
    ['unix:///tmp/a.sock', 'unix:///tmp/b.sock', 'address-mismatch'],
    ['unix:///tmp/a.sock', 'tcp://127.0.0.1:7000', 'invalid-config'],
    ['tcp://127.0.0.1:7000', 'unix:///tmp/a.sock', 'invalid-config'],
  ];
  for (const [address, named, kind] of rows) {
    const error = await refusal({ address, auth: await auth(named) });
    assert.deepEqual([error.kind, error.detail], [kind, 'cert']);
    if (kind === 'address-mismatch') assert.ok(error.message.includes(address) && error.message.includes(named));
  }
});

test('[api-5] auth as a function is asked once, with the canonical address', async (t) => {
  const imperium = new SocketImperium(t, 'tcp');
  const asked: string[] = [];
  const port = await freePort();
  const domus = await imperium.open({
    address: `tcp://[0:0:0:0:0:0:0:1]:${port}`,
    auth: (address) => {
      asked.push(address);
      return auth(address);
    },
  });
  assert.deepEqual([asked, domus.address], [[`tcp://[::1]:${port}`], `tcp://[::1]:${port}`]);
});

test('[cfg-2] [cfg-6] a bad setting is refused before anything is bound, with field, range and value', async () => {
  const address = tcpAddress('127.0.0.1', await freePort());
  const rows: [unknown, RegExp][] = [
    [{ sendQueueSize: 0 }, /sendQueueSize must be .*1 to 4096.*got 0/],
    [{ sendTimeout: 300_001 }, /sendTimeout must be .*1 to 300000.*got 300001/],
    [{ maxPayloadLen: '8' }, /maxPayloadLen .*got "8"/],
    [{ sendTimeout: 1_000, acceptTimeout: 2_000 }, /acceptTimeout must be at most sendTimeout \(1000\), got 2000/],
    [{ sendTimout: 5 }, /no field "sendTimout"/],
    [7, /config must be an object, got 7/],
  ];
  for (const [config, text] of rows) {
    const error = await refusal({ address, auth: () => assert.fail('not asked'), config });
    assert.equal(error.kind, 'invalid-config');
    assert.match(error.message, text);
  }
});

test('[api-9] a listen that is none is invalid-config', async () => {
  const address = tcpAddress('127.0.0.1', await freePort());
  for (const listen of [
    '',
    ':7000',
    '127.0.0.1',
    'localhost:7000',
    '127.0.0.1:0',
    '127.0.0.1:65536',
    '::1:7000',
    7000,
  ]) {
    const error = await refusal({ address, auth, listen });
    assert.deepEqual([error.kind, error.detail], ['invalid-config', 'listen'], String(listen));
  }
});

test('[api-1] [case-17] a resolver or a log of the wrong kind, and options that are none, are invalid-config', async () => {
  const address = tcpAddress('127.0.0.1', await freePort());
  const rows: [unknown, detail: string][] = [
    [{ address, auth, resolver: null }, 'resolver'],
    [{ address, auth, resolver: new Map() }, 'resolver'],
    [{ address, auth, log: 'console' }, 'log'],
    [undefined, 'options of Domus.open'],
    [null, 'options of Domus.open'],
  ];
  for (const [options, detail] of rows) {
    const error = await refusal(options);
    assert.deepEqual([error.kind, error.detail], ['invalid-config', detail]);
  }
});

test('[api-11] what cannot be bound is bind-failed, and says where and why', async () => {
  const taken = createServer().listen(0, '127.0.0.1');
  await once(taken, 'listening');
  const { port } = taken.address() as { port: number };
  const rows: [DomusAddr, RegExp, listen?: string][] = [
    [tcpAddress('127.0.0.1', port), new RegExp(`127\\.0\\.0\\.1:${port}.*in use`)],
    [tcpAddress('127.0.0.1', await freePort()), new RegExp(`127\\.0\\.0\\.1:${port}.*in use`), `127.0.0.1:${port}`],
    [tcpAddress('192.0.2.1', 7000), /192\.0\.2\.1:7000/],
    ['tcp://192.0.2.1:0', /192\.0\.2\.1/],
    [unixAddress('/nowhere/at/all.sock'), /\/nowhere\/at\/all\.sock.*no such/],
    [unixAddress('/dev/null'), /\/dev\/null/],
    [unixAddress('/proc/a.sock'), /\/proc\/a\.sock/],
  ];
  for (const [address, text, listen] of rows) {
    const error = await refusal(listen === undefined ? { address, auth } : { address, auth, listen });
    assert.deepEqual([error.kind, error.id, error.retryable], ['bind-failed', 0, false], address);
    assert.match(error.message, text);
    assert.ok(error.cause === undefined || error.cause instanceof Error);
  }
  taken.close();
  await once(taken, 'close');
});
