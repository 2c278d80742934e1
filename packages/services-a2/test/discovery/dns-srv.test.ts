import assert from 'node:assert/strict';
import { createSocket, type Socket } from 'node:dgram';
import { describe, test } from 'node:test';
import { type Cleanup, until, withLeakCheck } from '@flaminia/testkit';
import { realDnsmasq, skippedWithout } from '../../../../interop/real-servers.ts';
import { dnsSrvDiscovery } from '../../src/discovery/dns-srv/dns-srv-discovery.ts';
import type { DnsSrvOptions } from '../../src/discovery/dns-srv/dns-srv-options.ts';
import { ManualClock } from '../manual-clock.ts';
import { testHost, testPeer, watched } from './discovery-host.ts';

const NAME = '_orders._tcp.test';
const OWN = 'tcp://127.0.0.9:7000';
const [A, B] = ['tcp://127.0.0.1:7301', 'tcp://127.0.0.2:7302'] as const;
const a = [`--srv-host=${NAME},a.test,7301,10,60`, '--host-record=a.test,127.0.0.1'];
const b = [`--srv-host=${NAME},b.test,7302,20,40`, '--host-record=b.test,127.0.0.2'];

async function opened(cleanup: Cleanup, server: string, options: Partial<DnsSrvOptions> = {}) {
  const clock = new ManualClock();
  const discovery = dnsSrvDiscovery({ name: NAME, servers: [server], timeout: 5_000, interval: 1_000, ...options });
  const changes = watched(discovery);
  cleanup.defer(() => discovery.stop());
  await discovery.start(testHost(OWN, { services: ['a/v1'] }, clock));
  /** Lets time pass, slowly enough for answers to come in between. */
  const passing = (reached: () => boolean, what: string): Promise<void> =>
    until(() => {
      clock.jump(10);
      return reached();
    }, what);
  return { discovery, changes, clock, passing };
}

describe('dnsmasq', { skip: skippedWithout('dnsmasq', 'dnsmasq-base') }, () => {
  /** A dnsmasq with these records. */
  async function served(cleanup: Cleanup, records: readonly string[]) {
    const server = await realDnsmasq();
    cleanup.defer(() => server.remove());
    await server.start(records);
    return {
      url: server.url,
      kill: () => server.kill(),
      restart: async (next: readonly string[]) => {
        await server.kill();
        await server.start(next);
      },
    };
  }

  test(
    '[case-64] targets are found with services, metadata and priority; the list follows the answers',
    withLeakCheck(async (cleanup) => {
      const own = [`--srv-host=${NAME},own.test,7000,10,60`, '--host-record=own.test,127.0.0.9'];
      const txt = `--txt-record=${NAME},services=stock/v1,type=store,m-zone=Zürich 💥,v=1`;
      const server = await served(cleanup, [...a, ...b, ...own, txt]);
      const { discovery, changes, passing } = await opened(cleanup, server.url, { services: ['orders/v1'] });
      await passing(() => discovery.peerCount === 2, 'both targets');
      const services = ['orders/v1', 'stock/v1'];
      assert.deepEqual(discovery.peers(), [
        testPeer(A, {
          nodeType: 'store',
          services,
          metadata: { zone: 'Zürich 💥', 'srv-priority': '10', 'srv-weight': '60' },
        }),
        testPeer(B, {
          nodeType: 'store',
          services,
          metadata: { zone: 'Zürich 💥', 'srv-priority': '20', 'srv-weight': '40' },
        }),
      ]);
      await server.restart([...a, txt]);
      await passing(() => discovery.peerCount === 1, 'one target');
      assert.deepEqual(
        changes.filter((text) => !/degraded|restored/.test(text)),
        [`found ${A}`, `found ${B}`, `gone ${B}`],
      );
    }),
  );

  test(
    '[case-66] a target with IPv6 alone is dialled there, unless IPv4 is asked for',
    withLeakCheck(async (cleanup) => {
      const six = [`--srv-host=${NAME},six.test,7306`, '--host-record=six.test,::1'];
      const server = await served(cleanup, six);
      const any = await opened(cleanup, server.url);
      const four = await opened(cleanup, server.url, { family: 4 });
      await any.passing(() => any.discovery.peerCount === 1, 'the target');
      assert.equal(any.discovery.peers()[0]!.address, 'tcp://[::1]:7306');
      await four.passing(() => four.changes.length > 0, 'trouble');
      assert.deepEqual(four.changes, [`degraded: ${NAME}: the target six.test has no address`]);
    }),
  );

  test(
    'a name that is gone empties the list after the grace, and comes back',
    withLeakCheck(async (cleanup) => {
      const server = await served(cleanup, a);
      const { discovery, changes, clock, passing } = await opened(cleanup, server.url, { grace: 7_000 });
      await passing(() => discovery.peerCount === 1, 'the target');
      await server.restart([]);
      await passing(() => changes.some((text) => text.includes('no such name')), 'trouble');
      const toldAt = clock.now();
      assert.equal(discovery.peerCount, 1, 'what was known stays for the grace');
      await passing(() => discovery.peerCount === 0, 'the end of the grace');
      assert.ok(clock.now() - toldAt >= 6_900, 'the grace is kept');
      await server.restart(a);
      await passing(() => discovery.peerCount === 1 && changes.at(-1) !== 'restored', 'the target again');
    }),
  );

  test(
    'what cannot be asked stays as it was: a dead server, an empty answer, a target without address',
    withLeakCheck(async (cleanup) => {
      const server = await served(cleanup, [...a, ...b]);
      const { discovery, changes, passing } = await opened(cleanup, server.url, { grace: 0 });
      const reasons = (): string => changes.filter((text) => text.startsWith('degraded')).join('\n');
      await passing(() => discovery.peerCount === 2, 'both targets');
      await server.kill();
      await passing(() => /no server answers|no answer in time/.test(reasons()), 'the dead server');
      await server.restart(['--txt-record=_orders._tcp.test,v=1']);
      await passing(() => /the answer is empty/.test(reasons()), 'the empty answer');
      await server.restart([`--srv-host=${NAME},a.test,7301`, ...b]);
      await passing(() => /the target a.test has no address/.test(reasons()), 'the lost target');
      assert.deepEqual(
        discovery.peers().map(({ address }) => address),
        [A, B],
      );
      assert.deepEqual(
        changes.filter((text) => /^(?:gone)/.test(text)),
        [],
      );
      await server.restart([...a, ...b]);
      await passing(() => changes.at(-1) === 'restored' || changes.at(-2) === 'restored', 'the end of trouble');
    }),
  );
});

test(
  'SERVFAIL, rubbish and silence are degraded, and stop does not wait for answers',
  withLeakCheck(async (cleanup) => {
    // Only silence has to wait for its end.
    const rows: readonly (readonly [RegExp, (question: Buffer) => Buffer | undefined, timeout?: number])[] = [
      [/the answer cannot be read/, () => Buffer.from('rubbish')],
      [/no answer in time/, () => undefined, 50],
      [
        /the server failed/,
        (question) => {
          question[2]! |= 0x80;
          question[3] = 2;
          return question;
        },
      ],
    ];
    for (const [reason, answerTo, timeout] of rows) {
      const server = await udpServer(cleanup, (question, reply) => {
        const answer = answerTo(question);
        if (answer !== undefined) reply(answer);
      });
      const { discovery, changes, passing } = await opened(cleanup, server, timeout === undefined ? {} : { timeout });
      await passing(() => changes.length > 0, 'trouble');
      assert.match(changes[0]!, reason);
      await discovery.stop();
    }
    let questions = 0;
    const silent = await udpServer(cleanup, () => void questions++);
    const { discovery } = await opened(cleanup, silent);
    await until(() => questions === 2, 'the first tries, of SRV and TXT');
    await Promise.all([discovery.stop(), discovery.stop()]);
    assert.equal(questions, 2, 'stop does not wait for second tries');
    await assert.rejects(discovery.start(testHost(OWN)), { kind: 'invalid-state' });
  }),
);

test('options out of range are refused, and name the field', () => {
  for (const [options, field] of [
    [{}, 'name'],
    [{ name: '' }, 'name'],
    [{ name: NAME, services: ['orders'] }, 'services'],
    [{ name: NAME, servers: [] }, 'servers'],
    [{ name: NAME, servers: ['dns.test'] }, 'servers'],
    [{ name: NAME, servers: ['127.0.0.1:0'] }, 'servers'],
    [{ name: NAME, servers: ['[127.0.0.1]:53'] }, 'servers'],
    [{ name: NAME, interval: 1 }, 'interval'],
    [{ name: NAME, interval: 10_000, maxInterval: 5_000 }, 'maxInterval'],
    [{ name: NAME, grace: -1 }, 'grace'],
    [{ name: NAME, timeout: 0 }, 'timeout'],
    [{ name: NAME, family: 5 }, 'family'],
    [{ name: NAME, server: '127.0.0.1' }, 'options of dnsSrvDiscovery'],
  ] as const) {
    const make = () => dnsSrvDiscovery(options as unknown as DnsSrvOptions);
    assert.throws(make, { kind: 'invalid-config', detail: field });
  }
  dnsSrvDiscovery({ name: NAME, servers: ['[::1]:53', '::1', '127.0.0.1', '127.0.0.1:53'] });
});

async function udpServer(
  cleanup: Cleanup,
  asked: (question: Buffer, reply: (answer: Buffer) => void) => void,
): Promise<string> {
  const socket: Socket = createSocket('udp4', (question, from) => {
    asked(question, (answer) => socket.send(answer, from.port, from.address));
  });
  await new Promise<void>((resolve) => {
    socket.bind(0, '127.0.0.1', resolve);
  });
  cleanup.defer(() => socket.close());
  return `127.0.0.1:${socket.address().port}`;
}
