import assert from 'node:assert/strict';
import { createServer } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { type Cleanup, turns, until, withLeakCheck } from '@flaminia/testkit';
import type { DomusAddr } from '@flaminia/transport-a0';
import { freePort, type RealServer, realEtcd, skippedWithout } from '../../../../interop/real-servers.ts';
import type { DiscoveredPeer } from '../../src/discovery/discovery.ts';
import { etcdDiscovery } from '../../src/discovery/etcd/etcd-discovery.ts';
import type { EtcdOptions } from '../../src/discovery/etcd/etcd-options.ts';
import type { Clock } from '../../src/port.ts';
import { ManualClock } from '../manual-clock.ts';
import { testHost, watched } from './discovery-host.ts';

const [A, B, C] = ['tcp://127.0.0.1:7201', 'tcp://127.0.0.1:7202', 'tcp://[::1]:7203'] as const;
const orders = { services: ['orders/v1'], nodeType: 'store', health: 'healthy', metadata: { zone: 'eu' } } as const;

describe('etcd', { skip: skippedWithout('etcd', 'etcd-server') }, () => {
  let server: RealServer;
  let prefixes = 0;
  const freshPrefix = (): string => `t${++prefixes}/`;

  before(async () => {
    server = await realEtcd();
    await server.start();
  });
  after(() => server.remove());

  async function opened(
    cleanup: Cleanup,
    address: DomusAddr,
    rest: Partial<DiscoveredPeer>,
    options: Partial<EtcdOptions> & { readonly prefix: string },
    clock?: Clock,
  ) {
    // Times that no machine reaches, unless a test is about their end.
    const patient = { ttl: 600_000, requestTimeout: 60_000 };
    const discovery = etcdDiscovery({ endpoints: [server.url], ...patient, ...options });
    const [host, changes] = [testHost(address, rest, clock), watched(discovery)];
    cleanup.defer(() => discovery.stop());
    await discovery.start(host);
    const change = (next: Partial<DiscoveredPeer>): void => {
      host.announced = { ...host.announced, ...next };
      discovery.announce();
    };
    return { discovery, host, changes, change };
  }

  test(
    '[case-64] nodes find each other with all they say; changes arrive, and who stops is gone at once',
    withLeakCheck(async (cleanup) => {
      const prefix = freshPrefix();
      const one = await opened(cleanup, A, { ...orders, nodeId: 'one' }, { prefix });
      const other = await opened(cleanup, B, { ...orders, nodeId: '../ö/%2F' }, { prefix });
      await until(() => one.discovery.peerCount + other.discovery.peerCount === 2, 'both');
      assert.deepEqual(one.discovery.peers(), [other.host.announced]);
      assert.deepEqual(other.discovery.peers(), [one.host.announced]);
      const client = await opened(cleanup, C, { nodeId: 'client' }, { prefix });
      await until(() => client.discovery.peerCount === 2, 'both for the client');
      other.change({ health: 'draining' });
      await until(() => one.discovery.peers()[0]?.health === 'draining', 'the change');
      other.change({ services: [] });
      await until(() => one.discovery.peerCount === 0, 'its services to go');
      other.change({ services: ['stock/v1'] });
      await until(() => one.discovery.peerCount === 1, 'its services to come back');
      assert.deepEqual(await keysUnder(prefix), [`${prefix}..%2F%C3%B6%2F%252F`, `${prefix}one`]);
      await other.discovery.stop();
      await until(() => one.discovery.peerCount === 0, 'its end');
      assert.deepEqual(one.changes, [`found ${B}`, `changed ${B}`, `gone ${B}`, `found ${B}`, `gone ${B}`]);
    }),
  );

  test(
    'metadata that no reader takes is left out, and said',
    withLeakCheck(async (cleanup) => {
      const prefix = freshPrefix();
      const watcher = await opened(cleanup, A, {}, { prefix });
      const metadata = { zone: 'eu', ['k'.repeat(65)]: 'x' };
      const provider = await opened(cleanup, B, { ...orders, metadata }, { prefix });
      await until(() => watcher.discovery.peerCount === 1 && provider.changes.length > 0, 'the peer and the trouble');
      assert.deepEqual(watcher.discovery.peers()[0]!.metadata, { zone: 'eu' });
      provider.change({ metadata: {} });
      await until(() => provider.changes.at(-1) === 'restored', 'its end');
    }),
  );

  test(
    'a provider that dies without a word is gone when its lease is over',
    withLeakCheck(async (cleanup) => {
      const prefix = freshPrefix();
      const watcher = await opened(cleanup, A, {}, { prefix });
      const clock = new ManualClock();
      await opened(cleanup, B, orders, { prefix, ttl: 2_000 }, clock);
      await until(() => watcher.changes.includes(`found ${B}`), 'the provider');
      await until(() => watcher.discovery.peerCount === 0, 'the end of a lease that nobody keeps alive');
      assert.deepEqual(watcher.changes, [`found ${B}`, `gone ${B}`]);
    }),
  );

  test(
    'a lease that is lost is granted anew; an entry that somebody deletes is put again',
    withLeakCheck(async (cleanup) => {
      const prefix = freshPrefix();
      const watcher = await opened(cleanup, A, {}, { prefix });
      const provider = await opened(cleanup, B, { ...orders, nodeId: 'b' }, { prefix });
      await until(() => watcher.discovery.peerCount === 1, 'the provider');
      const { leases } = (await ask('/v3/lease/leases', {})) as { leases: { ID: string }[] };
      for (const { ID } of leases) await ask('/v3/lease/revoke', { ID });
      await until(() => watcher.changes.length === 3, 'its entry under a new lease');
      await ask('/v3/kv/deleterange', { key: base64(`${prefix}b`) });
      await until(() => watcher.changes.length === 5, 'its entry again');
      assert.deepEqual(watcher.changes, [`found ${B}`, `gone ${B}`, `found ${B}`, `gone ${B}`, `found ${B}`]);
      assert.deepEqual(provider.changes, []);
    }),
  );

  test(
    'rubbish under the prefix is ignored and counted once for each time that it is written',
    withLeakCheck(async (cleanup) => {
      const prefix = freshPrefix();
      const good = { v: 1, address: B, services: ['a/v1'] };
      const rows: readonly (readonly [string, unknown])[] = [
        ['text', 'no json'],
        ['empty', ''],
        ['nested', '['.repeat(100_000)],
        ['version', { ...good, v: 2 }],
        ['address', { ...good, address: 'tcp://example.test:1' }],
        ['port', { ...good, address: 'tcp://10.0.0.1:0' }],
        ['services', { ...good, services: 'a/v1' }],
        ['service', { ...good, services: ['a'] }],
        ['health', { ...good, health: 'fine' }],
        ['metadata', { ...good, metadata: { a: 1 } }],
        ['many', { ...good, services: Array.from({ length: 257 }, (_, i) => `s${i}/v1`) }],
        ['victim', { ...good, nodeId: 'another' }],
        ['proto', JSON.stringify(good).replace('{', '{"metadata":{"__proto__":"x"},')],
      ];
      for (const [key, value] of rows.slice(0, 6)) await put(prefix + key, value);
      const watcher = await opened(cleanup, A, {}, { prefix });
      await until(() => watcher.discovery.rubbish === 6, 'the rubbish that was there');
      for (const [key, value] of rows.slice(6)) await put(prefix + key, value);
      await put(`${prefix}good`, good);
      await until(() => watcher.discovery.peerCount === 1, 'the good one');
      assert.equal(watcher.discovery.rubbish, rows.length);
      assert.deepEqual(watcher.changes, [`found ${B}`]);
      await put(`${prefix}good`, 'no more');
      await until(() => watcher.discovery.peerCount === 0, 'its end');
    }),
  );

  test(
    'etcd is killed and comes back: what was known stays known, and all goes on',
    withLeakCheck(async (cleanup) => {
      const prefix = freshPrefix();
      const watcher = await opened(cleanup, A, {}, { prefix });
      const provider = await opened(cleanup, B, orders, { prefix, ttl: 9_000 });
      await until(() => watcher.discovery.peerCount === 1, 'the provider');
      await server.kill();
      await until(() => watcher.changes.length >= 2 && provider.changes.length > 0, 'both to notice');
      assert.match(
        watcher.changes[1]!,
        /^degraded: .*(the connection to http:\/\/\S+ was lost|cannot be reached: \w+)$/,
      );
      assert.equal(watcher.discovery.peerCount, 1);
      provider.change({ metadata: { zone: 'us' } });
      await server.start();
      await until(() => watcher.discovery.peers()[0]?.metadata.zone === 'us', 'the change in between');
      await until(() => watcher.changes.includes('restored') && provider.changes.includes('restored'), 'both');
    }),
  );

  test(
    'a revision that is compacted before the watch begins is no trouble',
    withLeakCheck(async (cleanup) => {
      const prefix = freshPrefix();
      let watches = 0;
      const racing: typeof fetch = async (input, init) => {
        if (String(input).endsWith('/v3/watch') && ++watches === 1) {
          await put(`${prefix}b`, { v: 1, address: B });
          await put(`${prefix}c`, { v: 1, address: C });
          const { header } = (await ask('/v3/kv/range', { key: base64('x') })) as { header: { revision: string } };
          await ask('/v3/kv/compaction', { revision: header.revision });
        }
        return fetch(input, init);
      };
      const watcher = await opened(cleanup, A, {}, { prefix, fetch: racing });
      await until(() => watcher.discovery.peerCount === 2, 'what the watch could not tell');
      await until(() => watches === 2, 'the second watch');
      assert.deepEqual(watcher.changes, [`found ${B}`, `found ${C}`]);
    }),
  );

  test(
    'endpoints are tried in turn: one refuses connections, one never answers, one is no etcd',
    withLeakCheck(async (cleanup) => {
      const prefix = freshPrefix();
      const sockets = new Set<{ destroy(): void }>();
      const [silent, strange] = [
        createServer((socket) => sockets.add(socket)),
        createServer((socket) => sockets.add(socket.end('HTTP/1.1 502 Bad Gateway\r\ncontent-length: 3\r\n\r\nno!'))),
      ];
      for (const listener of [silent, strange]) {
        await new Promise<void>((resolve) => {
          listener.listen(0, '127.0.0.1', resolve);
        });
        cleanup.defer(() => listener.close());
      }
      cleanup.defer(() => sockets.forEach((socket) => void socket.destroy()));
      const ports = [await freePort(), ...[silent, strange].map((one) => (one.address() as { port: number }).port)];
      const endpoints = [...ports.map((port) => `http://127.0.0.1:${port}`), server.url];
      const watcher = await opened(cleanup, A, orders, { prefix, endpoints, requestTimeout: 500 });
      await put(`${prefix}b`, { v: 1, address: B });
      await until(() => watcher.discovery.peerCount === 1, 'the peer');
      // No trouble while one of them answers; on a slow machine etcd itself may not, in so short a time.
      const late = `degraded: ${server.url} did not answer in time`;
      assert.deepEqual(
        watcher.changes.filter((change, _, all) => change !== late && !(change === 'restored' && all.includes(late))),
        [`found ${B}`],
      );
    }),
  );

  test(
    'a watch that has gone deaf is found out and begun anew',
    withLeakCheck(async (cleanup) => {
      const prefix = freshPrefix();
      const clock = new ManualClock();
      let watches = 0;
      const deaf: typeof fetch = (input, init) => {
        if (!String(input).endsWith('/v3/watch') || ++watches > 1) return fetch(input, init);
        const body = new ReadableStream({
          start(stream) {
            stream.enqueue(new TextEncoder().encode('{"result":{"created":true}}\n'));
          },
        });
        return Promise.resolve(new Response(body));
      };
      const watcher = await opened(cleanup, A, {}, { prefix, fetch: deaf }, clock);
      await until(() => watches === 1, 'the watch');
      await put(`${prefix}b`, { v: 1, address: B });
      await turns(20);
      assert.equal(watcher.discovery.peerCount, 0);
      await until(() => {
        clock.jump(10);
        return watcher.discovery.peerCount === 1;
      }, 'a new watch');
      // The clock runs ahead of the real etcd, which may seem not to answer for a moment.
      const ofPeers = watcher.changes.filter((change) => !/^(?:degraded|restored)/.test(change));
      assert.deepEqual(ofPeers, [`found ${B}`]);
    }),
  );

  test(
    'keys that are no UTF-8 are read once',
    withLeakCheck(async (cleanup) => {
      const prefix = freshPrefix();
      const keys = Array.from({ length: 1_001 }, (_, i) => Buffer.from(`${prefix}\xff${i}`, 'latin1'));
      for (let i = 0; i < keys.length; i += 100) {
        const puts = keys
          .slice(i, i + 100)
          .map((key) => ({ requestPut: { key: key.toString('base64'), value: 'eA==' } }));
        await ask('/v3/kv/txn', { success: puts });
      }
      await put(`${prefix}b`, { v: 1, address: B });
      const asked: string[] = [];
      const noting: typeof fetch = (input, init) => {
        asked.push(String(input).slice(server.url.length));
        return fetch(input, init);
      };
      const watcher = await opened(cleanup, A, {}, { prefix, fetch: noting });
      await until(() => watcher.discovery.peerCount === 1, 'the peer');
      assert.equal(watcher.discovery.rubbish, keys.length);
      await until(() => asked.length === 4, 'the watch');
      assert.deepEqual(asked, ['/v3/kv/range', '/v3/kv/range', '/v3/kv/range', '/v3/watch']);
    }),
  );

  test(
    'an answer that is too large is asked for in smaller pages; a value that is too large by itself is rubbish',
    withLeakCheck(async (cleanup) => {
      const prefix = freshPrefix();
      await put(`${prefix}b`, { v: 1, address: B });
      await put(`${prefix}big`, 'x');
      await put(`${prefix}c`, { v: 1, address: C });
      const chunk = new Uint8Array(1024 * 1024);
      let asked = 0;
      // As if one value had 64 MB.
      const large: typeof fetch = async (input, init) => {
        const response = await fetch(input, init);
        if (!String(input).endsWith('/v3/kv/range')) return response;
        asked++;
        const text = await response.text();
        const { kvs = [] } = JSON.parse(text) as { kvs?: { key: string; value?: string }[] };
        const isLarge = kvs.some(({ key, value }) => key === base64(`${prefix}big`) && value !== undefined);
        const pull = (stream: ReadableStreamDefaultController): void => stream.enqueue(chunk);
        return new Response(isLarge ? new ReadableStream({ pull }) : text);
      };
      const endpoints = [server.url, server.url];
      const watcher = await opened(cleanup, A, {}, { prefix, endpoints, fetch: large });
      await until(() => watcher.discovery.peerCount === 2, 'the peers');
      assert.deepEqual([watcher.discovery.rubbish, watcher.changes], [1, [`found ${B}`, `found ${C}`]]);
      // Eight pages of 500 to 3, one with the first peer, the large one, its key alone, and the rest.
      assert.equal(asked, 12);
    }),
  );

  test(
    'with etcd unreachable, stop ends at once and start does not fail',
    withLeakCheck(async (cleanup) => {
      const endpoints = [`http://127.0.0.1:${await freePort()}`];
      const node = await opened(cleanup, A, orders, { prefix: 'x/', endpoints });
      await until(() => node.changes.length > 0, 'trouble');
      await assert.rejects(node.discovery.start(node.host), { kind: 'invalid-state' });
      await Promise.all([node.discovery.stop(), node.discovery.stop()]);
      assert.equal(node.changes.at(-1), 'end');
    }),
  );

  test(
    'with etcd authentication: a token is fetched, and fetched again when it is no good',
    withLeakCheck(async (cleanup) => {
      const prefix = freshPrefix();
      await ask('/v3/auth/user/add', { name: 'root', password: 'secret' });
      await ask('/v3/auth/role/add', { name: 'root' });
      await ask('/v3/auth/user/grant', { user: 'root', role: 'root' });
      await ask('/v3/auth/enable', {});
      const login = { username: 'root', password: 'secret' };
      let spoil = false;
      const spoiling: typeof fetch = (input, init) => {
        const headers = new Headers(init!.headers);
        if (spoil && String(input).endsWith('/kv/put')) {
          headers.set('authorization', 'stale.1');
          spoil = false;
        }
        return fetch(input, { ...init, headers });
      };
      const one = await opened(cleanup, A, orders, { prefix, ...login, fetch: spoiling });
      const other = await opened(cleanup, B, orders, { prefix, ...login });
      const wrong = await opened(cleanup, C, orders, { prefix, username: 'root', password: 'wrong' });
      await until(() => one.discovery.peerCount === 1 && other.discovery.peerCount === 1, 'both');
      await until(() => wrong.changes.length > 0, 'the refusal');
      assert.match(wrong.changes[0]!, /^degraded: etcd says: .*authentication failed/);
      assert.doesNotMatch(wrong.changes[0]!, /wrong/);
      spoil = true;
      one.change({ health: 'draining' });
      await until(() => other.discovery.peers()[0]?.health === 'draining', 'the change');
      assert.deepEqual(one.changes, [`found ${B}`]);
    }),
  );

  async function ask(path: string, body: object): Promise<unknown> {
    const response = await fetch(server.url + path, { method: 'POST', body: JSON.stringify(body) });
    const answer = (await response.json()) as { error?: unknown };
    assert.equal(answer.error, undefined, path);
    return answer;
  }

  async function put(key: string, value: unknown): Promise<void> {
    const text = typeof value === 'string' ? value : JSON.stringify(value);
    await ask('/v3/kv/put', { key: base64(key), value: base64(text) });
  }

  async function keysUnder(prefix: string): Promise<string[]> {
    const range = { key: base64(prefix), range_end: base64(`${prefix.slice(0, -1)}0`), keys_only: true };
    const { kvs = [] } = (await ask('/v3/kv/range', range)) as { kvs?: { key: string }[] };
    return kvs.map(({ key }) => Buffer.from(key, 'base64').toString());
  }
});

test('options out of range are refused, name the field, and show no credentials', () => {
  const endpoints = ['http://127.0.0.1:2379'];
  for (const [options, field] of [
    [{}, 'endpoints'],
    [{ endpoints: [] }, 'endpoints'],
    [{ endpoints: ['127.0.0.1:2379'] }, 'endpoints'],
    [{ endpoints: ['ftp://127.0.0.1'] }, 'endpoints'],
    [{ endpoints: ['http://root:secret@127.0.0.1'] }, 'endpoints'],
    [{ endpoints, prefix: '' }, 'prefix'],
    [{ endpoints, prefix: 'ü/' }, 'prefix'],
    [{ endpoints, ttl: 1_000 }, 'ttl'],
    [{ endpoints, username: 'root' }, 'password'],
    [{ endpoints, password: 'secret' }, 'username'],
    [{ endpoints, headers: { 'a b': 'secret' } }, 'headers'],
    [{ endpoints, requestTimeout: 1 }, 'requestTimeout'],
    [{ endpoints, fetch: 1 }, 'fetch'],
    [{ endpoints, prefx: 'a' }, 'options of etcdDiscovery'],
  ] as const) {
    assert.throws(
      () => etcdDiscovery(options as unknown as EtcdOptions),
      (error: { kind?: string; detail?: string; message: string }) => {
        assert.deepEqual([error.kind, error.detail], ['invalid-config', field]);
        assert.doesNotMatch(error.message, /secret/);
        return true;
      },
    );
  }
});

function base64(text: string): string {
  return Buffer.from(text).toString('base64');
}
