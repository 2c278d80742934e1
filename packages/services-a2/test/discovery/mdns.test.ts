import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { createSocket, type RemoteInfo } from 'node:dgram';
import { once } from 'node:events';
import { networkInterfaces } from 'node:os';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { type Cleanup, FROM_SOURCE, turns, until, withLeakCheck } from '@flaminia/testkit';
import type { DomusAddr } from '@flaminia/transport-a0';
// @ts-expect-error The package has no types.
import multicastDns from 'multicast-dns';
import type { DiscoveredPeer } from '../../src/discovery/discovery.ts';
import type { DnsRecord } from '../../src/discovery/mdns/core/dns-record.ts';
import { mdnsDiscovery } from '../../src/discovery/mdns/mdns-discovery.ts';
import type { MdnsOptions } from '../../src/discovery/mdns/mdns-options.ts';
import { testHost, watched } from './discovery-host.ts';

/** An mDNS socket that is not ours, as any other program may have one. */
interface Foreign {
  query(packet: object, sent?: () => void): void;
  respond(packet: object, to?: object, sent?: () => void): void;
  destroy(closed: () => void): void;
  on(event: 'packet', heard: (packet: ForeignPacket, from: RemoteInfo) => void): void;
  on(event: 'ready', ready: () => void): void;
}

interface ForeignPacket {
  readonly type: 'query' | 'response';
  readonly questions: readonly { readonly name: string; readonly type: string }[];
  readonly answers: readonly DnsRecord[];
}

const port = await freeUdpPort();
let services = 0;

async function freeUdpPort(): Promise<number> {
  const socket = createSocket('udp4');
  await new Promise<void>((resolve) => {
    socket.bind(0, '127.0.0.1', resolve);
  });
  const { port: free } = socket.address();
  await new Promise<void>((resolve) => {
    socket.close(resolve);
  });
  return free;
}

/** A service that no other test speaks of. */
function freshService(): string {
  return `_t${++services}._tcp.local`;
}

function open(address: DomusAddr, rest: Partial<DiscoveredPeer>, options: MdnsOptions) {
  const discovery = mdnsDiscovery({ port, browseInterval: 1_000, ...options });
  return { discovery, host: testHost(address, rest), changes: watched(discovery) };
}

async function foreign(cleanup: Cleanup, from: number = port): Promise<{ socket: Foreign; heard: ForeignPacket[] }> {
  const socket = multicastDns({ interface: '127.0.0.1', bind: '0.0.0.0', port: from }) as Foreign;
  const heard: ForeignPacket[] = [];
  socket.on('packet', (packet) => heard.push(packet));
  cleanup.defer(
    () =>
      new Promise<void>((resolve) => {
        socket.destroy(resolve);
      }),
  );
  await new Promise<void>((resolve) => {
    socket.on('ready', resolve);
  });
  return { socket, heard };
}

const hasIPv6 = Object.values(networkInterfaces()).some((addresses) =>
  addresses?.some(({ address }) => address === '::1'),
);

/** The program of `mdns-child.ts`, with modules of these names missing; it is killed at the end of the test. */
function child(cleanup: Cleanup, args: readonly string[], missing?: string): ChildProcess {
  const hooks = `export function resolve(name, context, next) {
    if (name === ${JSON.stringify(missing)}) throw new Error('missing');
    return next(name, context);
  }`;
  const asUrl = (code: string): string => `data:text/javascript,${encodeURIComponent(code)}`;
  const hook = asUrl(`import { register } from 'node:module'; register(${JSON.stringify(asUrl(hooks))});`);
  const program = fileURLToPath(new URL('mdns-child.ts', import.meta.url));
  const flags = [...FROM_SOURCE, ...(missing === undefined ? [] : ['--import', hook])];
  const started = spawn(process.execPath, [...flags, program, ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
  cleanup.defer(async () => {
    if (started.exitCode !== null || started.signalCode !== null) return;
    const exited = once(started, 'exit');
    started.kill('SIGKILL');
    await exited;
  });
  return started;
}

async function firstLine({ stdout }: ChildProcess): Promise<string> {
  const [chunk] = (await once(stdout!, 'data')) as [Buffer];
  return chunk.toString().trim();
}

const two = { services: ['orders/v1', 'stock/v2'], nodeType: 'store', metadata: { zone: 'eu', 'a=b': '50%' } };

for (const [what, a, b] of [
  ['loopback only', 'tcp://127.0.0.1:7001', 'tcp://127.0.0.1:7002'],
  ['IPv6 only', 'tcp://[::1]:7001', 'tcp://[::1]:7002'],
] as const) {
  test(
    `[case-65] [case-66] ${what}: two nodes list each other with metadata, and a goodbye takes one away at once`,
    { skip: a.includes('[') && !hasIPv6 ? 'SKIPPED: this machine has no IPv6' : false },
    withLeakCheck(async (cleanup) => {
      const serviceName = freshService();
      const [one, other] = [
        open(a, { ...two, nodeId: 'one' }, { serviceName }),
        open(b, { ...two, nodeId: 'other.eu', health: 'healthy' }, { serviceName }),
      ];
      cleanup.defer(() => one.discovery.stop());
      cleanup.defer(() => other.discovery.stop());
      await one.discovery.start(one.host);
      await other.discovery.start(other.host);
      await until(() => one.discovery.peerCount === 1 && other.discovery.peerCount === 1, 'both in both lists');
      assert.deepEqual(one.discovery.peers(), [{ ...other.host.announced }]);
      assert.deepEqual(other.discovery.peers(), [{ ...one.host.announced }]);
      await other.discovery.stop();
      await until(() => one.discovery.peerCount === 0, 'the goodbye');
      assert.deepEqual(one.changes, [`found ${b}`, `gone ${b}`]);
      await one.discovery.stop();
      await one.discovery.stop();
      assert.equal(one.changes.at(-1), 'end');
    }),
  );
}

test(
  '[case-65] another process is found; killed, it vanishes when its time to live is over',
  withLeakCheck(async (cleanup) => {
    const serviceName = freshService();
    const node = open('tcp://127.0.0.1:7011', {}, { serviceName });
    cleanup.defer(() => node.discovery.stop());
    await node.discovery.start(node.host);
    const other = child(cleanup, ['tcp://127.0.0.1:7012', serviceName, String(port), '2000']);
    await until(() => node.discovery.peerCount === 1, 'the other process');
    assert.equal(node.discovery.peers()[0]!.nodeId, 'child');
    other.kill('SIGKILL');
    await until(() => node.discovery.peerCount === 0, 'the end of its time to live');
    // Its time to live is over too where a slow machine keeps it silent; then it is found again.
    assert.match(node.changes.join(), /^(?:,?found tcp:\/\/127\.0\.0\.1:7012,gone tcp:\/\/127\.0\.0\.1:7012)+$/);
  }),
);

test(
  'without the package start fails with a clear error',
  withLeakCheck(async (cleanup) => {
    const program = child(cleanup, ['tcp://127.0.0.1:7013', freshService(), String(port), '2000'], 'multicast-dns');
    assert.equal(await firstLine(program), 'unsupported multicast-dns');
    if (program.exitCode === null) await once(program, 'exit');
  }),
);

test(
  '[case-68] service, interval, node id and metadata are on the wire; the address is the canonical one alone',
  withLeakCheck(async (cleanup) => {
    const serviceName = freshService();
    const { heard } = await foreign(cleanup);
    const node = open('tcp://127.0.0.1:7003', { ...two, nodeId: 'wire' }, { serviceName, ttl: 60_000 });
    cleanup.defer(() => node.discovery.stop());
    await node.discovery.start(node.host);
    const asked = () =>
      heard.filter(({ type, questions }) => type === 'query' && questions.some(({ name }) => name === serviceName));
    const told = () => heard.find(({ type, answers }) => type === 'response' && answers[0]?.name === serviceName);
    await until(() => told() !== undefined && asked().length >= 2, 'an announcement and two questions');
    const [pointer, srv, txt, address] = told()!.answers;
    assert.deepEqual([pointer!.type, srv!.type, txt!.type, address!.type], ['PTR', 'SRV', 'TXT', 'A']);
    assert.match(pointer!.data as string, /^wire-[0-9a-f]{8}\._t\d+\._tcp\.local$/);
    assert.equal((srv!.data as { port: number }).port, 7003);
    assert.equal(address!.data, '127.0.0.1');
    assert.deepEqual((txt!.data as readonly Uint8Array[]).map(String), [
      'id=wire',
      'type=store',
      'health=unknown',
      'services=orders/v1,stock/v2',
      'm-zone=eu',
      'm-a%3Db=50%',
    ]);
    assert.deepEqual([pointer!.ttl, srv!.ttl, txt!.ttl, address!.ttl], [60, 60, 60, 60]);
  }),
);

test(
  'the announcement follows its node: nothing without services, changed, and taken back',
  withLeakCheck(async (cleanup) => {
    const serviceName = freshService();
    const watcher = open('tcp://127.0.0.1:7004', {}, { serviceName });
    const node = open('tcp://127.0.0.1:7005', { nodeId: 'n' }, { serviceName });
    for (const { discovery } of [watcher, node]) cleanup.defer(() => discovery.stop());
    await watcher.discovery.start(watcher.host);
    await node.discovery.start(node.host);
    const set = (services: readonly string[]): void => {
      node.host.announced = { ...node.host.announced, services };
      node.discovery.announce();
    };
    assert.equal(watcher.discovery.peerCount, 0);
    set(['a/v1']);
    await until(() => watcher.discovery.peers()[0]?.services.length === 1, 'the first service');
    set(['a/v1', 'b/v1']);
    await until(() => watcher.discovery.peers()[0]?.services.length === 2, 'the second service');
    set([]);
    await until(() => watcher.discovery.peerCount === 0, 'the goodbye');
    assert.equal(node.discovery.peerCount, 0, 'a node without services is announced to nobody');
  }),
);

test(
  'what another program announces is found; what it says of itself is checked, and what is rubbish ignored',
  withLeakCheck(async (cleanup) => {
    const serviceName = freshService();
    const { socket, heard } = await foreign(cleanup);
    const node = open('tcp://127.0.0.1:7006', {}, { serviceName });
    cleanup.defer(() => node.discovery.stop());
    await node.discovery.start(node.host);
    await until(() => heard.length > 0, 'a question');
    const instance = `Über.dots.${serviceName}`;
    const respond = (answers: readonly object[]): void => socket.respond({ answers });
    for (const ttl of [0, 4_294_967_295]) respond([{ name: serviceName, type: 'PTR', ttl, data: 'elsewhere.local' }]);
    respond([{ name: `none.${serviceName}`, type: 'SRV', ttl: 9, data: { port: 1, target: 'x.local' } }]);
    const raw = createSocket('udp4');
    cleanup.defer(() => raw.close());
    for (const bytes of ['', 'rubbish', '\0\0\x84\0\xff\xff\xff\xff\xff\xff\xff\xff']) {
      await new Promise<void>((resolve) => {
        raw.send(Buffer.from(bytes, 'latin1'), port, '127.0.0.1', () => resolve());
      });
    }
    respond([
      { name: serviceName, type: 'PTR', ttl: 120, data: instance },
      { name: instance, type: 'SRV', ttl: 120, data: { port: 7107, target: 'Printer.local' } },
    ]);
    await until(
      () => heard.some(({ questions }) => questions.some(({ name, type }) => name === 'printer.local' && type === 'A')),
      'a question for the address',
    );
    const stranger = await foreign(cleanup, await freeUdpPort());
    const forged = [
      { name: serviceName, type: 'PTR', ttl: 120, data: `forged.${serviceName}` },
      { name: `forged.${serviceName}`, type: 'SRV', ttl: 120, data: { port: 1, target: 'forged.local' } },
      { name: 'forged.local', type: 'A', ttl: 120, data: '127.0.0.66' },
    ];
    await new Promise<void>((resolve) => {
      stranger.socket.respond({ answers: forged }, { port, address: '127.0.0.1' }, resolve);
    });
    respond([
      { name: 'printer.local', type: 'A', ttl: 120, data: '127.0.0.9' },
      { name: instance, type: 'TXT', ttl: 120, data: [Buffer.from('services=print/v1'), Buffer.from([255, 254])] },
    ]);
    await until(() => node.discovery.peers()[0]?.services.length === 1, 'the foreign instance');
    assert.deepEqual(
      node.discovery.peers().map(({ address, services }) => [address, services]),
      [['tcp://127.0.0.9:7107', ['print/v1']]],
    );
    assert.deepEqual(
      node.changes.filter((text) => text.startsWith('degraded')),
      [],
    );
  }),
);

test(
  '[case-67] without a usable interface the discovery runs all the same, and says that it is degraded',
  withLeakCheck(async (cleanup) => {
    const serviceName = freshService();
    const node = open('tcp://127.0.0.1:7008', two, { serviceName, interface: 'nowhere0' });
    cleanup.defer(() => node.discovery.stop());
    await node.discovery.start(node.host);
    await until(() => node.changes.length > 0, 'a change');
    assert.deepEqual(node.changes, ['degraded: there is no such interface']);
  }),
);

test(
  '[case-67] a port that another program keeps to itself is degraded, and mends itself when it is free',
  withLeakCheck(async (cleanup) => {
    const selfish = await takenPort(cleanup, 'udp4', 0);
    const selfish6 = await takenPort(cleanup, 'udp6', selfish.port);
    const options = { serviceName: freshService(), interface: '127.0.0.1', port: selfish.port };
    const node = open('tcp://127.0.0.1:7009', two, options);
    cleanup.defer(() => node.discovery.stop());
    await node.discovery.start(node.host);
    await until(() => node.changes.length > 0, 'a change');
    // Opened anew in the meantime: no proof that it works.
    await turns(200);
    assert.deepEqual(node.changes, ['degraded: bind failed: EADDRINUSE']);
    selfish.release();
    selfish6.release();
    await until(() => node.changes.includes('restored'), 'the socket');
  }),
);

/** A port that nobody else can bind to until it is released. */
async function takenPort(cleanup: Cleanup, type: 'udp4' | 'udp6', wanted: number) {
  const socket = createSocket({ type, reuseAddr: false, ipv6Only: type === 'udp6' });
  await new Promise<void>((resolve) => {
    socket.bind(wanted, type === 'udp4' ? '0.0.0.0' : '::', resolve);
  });
  const { port: taken } = socket.address();
  let isTaken = true;
  const release = (): void => {
    if (isTaken) socket.close();
    isTaken = false;
  };
  cleanup.defer(release);
  return { port: taken, release };
}

test('options out of range are refused, and name the field', () => {
  for (const [options, field] of [
    [{ serviceName: 'flaminia' }, 'serviceName'],
    [{ serviceName: '_much-too-long-a-name._tcp.local' }, 'serviceName'],
    [{ browseInterval: 10 }, 'browseInterval'],
    [{ ttl: 1_999 }, 'ttl'],
    [{ port: 0 }, 'port'],
    [{ interface: '' }, 'interface'],
    [{ intreface: 'lo' }, 'options of mdnsDiscovery'],
  ] as const) {
    assert.throws(() => mdnsDiscovery(options as MdnsOptions), { kind: 'invalid-config', detail: field });
  }
});

test('start twice, stop twice and stop before start are safe', async () => {
  const discovery = mdnsDiscovery({ port, serviceName: freshService() });
  after(() => discovery.stop());
  await discovery.start(testHost('tcp://127.0.0.1:7010'));
  await assert.rejects(discovery.start(testHost('tcp://127.0.0.1:7010')), { kind: 'invalid-state' });
  await Promise.all([discovery.stop(), discovery.stop()]);
  const never = mdnsDiscovery({ port });
  await never.stop();
  await assert.rejects(never.start(testHost('tcp://127.0.0.1:7010')), { kind: 'invalid-state' });
});
