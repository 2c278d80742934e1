/** A peer that comes back while its old connection still looks alive, over TLS. A Unix socket cannot be half-open. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { until } from '@flaminia/testkit';
import { parseAddress } from '@flaminia/transport-a0';
import { CutProxy } from '../../../interop/cut-proxy.ts';
import { eventsOf, failureOf, Numbers, Others } from './memory-bench.ts';
import { freePort, SocketImperium } from './socket-imperium.ts';

test('[case-90] [a1-call-12] a peer that comes back is served at once, and its half-open connection does no harm', async (t) => {
  const sockets = new SocketImperium(t, 'tcp');
  const address = await sockets.address();
  const place = parseAddress(address);
  assert.ok(place.kind === 'tcp');
  const port = await freePort();
  const relay = await CutProxy.open({ host: place.ip, port: place.port }, { host: place.ip, port });
  const open = (): ReturnType<SocketImperium['open']> => sockets.open({ address, listen: `${place.ip}:${port}` });
  const domus = await sockets.open();
  const events = eventsOf(domus);
  const received: number[] = [];
  await domus.serve(Others, (number) => {
    received.push(number);
  });
  try {
    const first = await open();
    await first.serve(Numbers, () => {});
    await domus.send(Numbers, 1, { to: address });
    // From here on neither side hears of the other, not even of its end.
    relay.blackHole();
    const lost = failureOf(domus.send(Numbers, 2, { to: address }));
    await first.shutdown({ drainTimeout: 0 });
    assert.equal(domus.reporting.connectedPeers().length, 1, 'the old connection looks alive');

    const second = await open();
    const taken: number[] = [];
    await second.serve(Numbers, (number) => {
      taken.push(number);
    });
    await second.send(Others, 3, { to: domus.address });
    assert.deepEqual(received, [3]);
    const error = await lost;
    assert.deepEqual([error.kind, error.delivery], ['peer-restarted', 'unknown']);
    await domus.send(Numbers, 4, { to: address });

    // What is left of the old one ends, and nobody notices.
    relay.cut();
    await until(() => relay.connections === 0, 'the end of the old connection');
    await Promise.all([domus.send(Numbers, 5, { to: address }), second.send(Others, 6, { to: domus.address })]);
    assert.deepEqual(
      [taken, received],
      [
        [4, 5],
        [3, 6],
      ],
    );
    const restarts = events.filter(({ kind }) => kind === 'peer-session-restarted');
    assert.equal(restarts.length, 1);
    assert.equal(domus.reporting.connectedPeers().length, 1);
  } finally {
    await relay.close();
  }
});
