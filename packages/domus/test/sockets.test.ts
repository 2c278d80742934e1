import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { test } from 'node:test';
import { inspect } from 'node:util';
import { createAuthority, issueAuth } from '@flaminia/certificates';
import { type DomusAddr, DomusError, tcpAddress } from '@flaminia/transport-a0';
import { bytes } from '../src/bytes.ts';
import { Domus } from '../src/domus.ts';
import { endpoint } from '../src/endpoint.ts';
import { SimpleResolver } from '../src/resolver.ts';
import { failureOf, Numbers, Others, Watched } from './memory-bench.ts';
import { namelessMaterial } from './rotation-material.ts';
import { freePort, SocketImperium, TRANSPORTS, unreachedFailure } from './socket-imperium.ts';

for (const transport of TRANSPORTS) {
  test(`[api-1] [api-35] over ${transport}: messages and replies, with the caller’s certificate`, async (t) => {
    const imperium = new SocketImperium(t, transport);
    const worker = await imperium.open({ nodeId: 'worker-1' });
    const resolver = new SimpleResolver([[Numbers, worker.address]]);
    const gateway = await imperium.open({ nodeId: 'gateway-1', resolver });
    const answers: number[] = [];
    await gateway.serve(Others, (message) => void answers.push(message));
    await worker.serve(Numbers, async (message, { from }) => {
      assert.deepEqual([from.nodeId, from.nodeType, from.address], ['gateway-1', 'test', gateway.address]);
      assert.deepEqual(from.sans[0], `URI:aurelia+${gateway.address}`);
      assert.match(from.certificate!.subject, /CN=gateway-1/);
      await worker.send(Others, message * 2, { to: from.address });
    });
    await Promise.all([1, 2, 3].map((message) => gateway.send(Numbers, message)));
    assert.deepEqual(answers, [2, 4, 6]);
    const { dials, peers } = gateway.reporting.snapshot();
    assert.deepEqual([dials.attempts, peers.current], [1, 1], 'both ways over one connection');
  });

  test(`[a0-auth-1] [a0-rot-1] [api-35] over ${transport}: leaves without a subject serve, and their callers have no nodeId`, async (t) => {
    const imperium = new SocketImperium(t, transport);
    const authority = await imperium.authority();
    const auth = (address: DomusAddr) => namelessMaterial(address, authority);
    const worker = await imperium.open({ auth });
    const gateway = await imperium.open({ auth });
    const seen: unknown[] = [];
    await worker.serve(
      Numbers,
      (_, { from }) => void seen.push([from.nodeId, from.nodeType, from.subject, from.address]),
    );
    await gateway.send(Numbers, 1, { to: worker.address });
    await Promise.all([gateway, worker].map((domus) => domus.reloadAuth(auth)));
    const visitor = await imperium.open();
    await visitor.reloadAuth(auth);
    await visitor.send(Numbers, 2, { to: worker.address });
    await worker.send(Numbers, 3, { to: worker.address });
    assert.deepEqual(
      seen,
      [gateway, visitor, worker].map(({ address }) => [null, null, '', address]),
    );
    const [peer] = worker.reporting.connectedPeers();
    assert.deepEqual([peer!.identity.nodeId, peer!.identity.subject], [null, '']);
  });

  test(`[a1-inv-4] over ${transport}: many messages of all sizes arrive once, whole and in order`, async (t) => {
    const imperium = new SocketImperium(t, transport);
    const [gateway, worker] = [await imperium.open(), await imperium.open()];
    const Blocks = endpoint('blocks', bytes());
    const sizes = Array.from({ length: 400 }, (_, i) => (i % 50 === 49 ? 300_000 + i : i * 7));
    const seen: number[] = [];
    await worker.serve(Blocks, (message) => {
      assert.ok(message.every((byte) => byte === (message.length & 0xff)));
      seen.push(message.length);
    });
    const to = { to: worker.address, whenFull: 'wait' } as const;
    await Promise.all(sizes.map((size) => gateway.send(Blocks, new Uint8Array(size).fill(size), to)));
    assert.deepEqual(seen, sizes);
  });

  test(`[api-22] [cfg-1] [case-87] over ${transport}: a payload of maxPayloadLen travels, one byte more does not`, async (t) => {
    const imperium = new SocketImperium(t, transport);
    const config = { maxPayloadLen: 1024 * 1024 };
    const [gateway, worker] = [await imperium.open({ config }), await imperium.open({ config })];
    const Blocks = endpoint('blocks', bytes());
    await worker.serve(Blocks, () => {});
    const to = { to: worker.address };
    await gateway.send(Blocks, new Uint8Array(config.maxPayloadLen), to);
    const error = await failureOf(gateway.send(Blocks, new Uint8Array(config.maxPayloadLen + 1), to));
    assert.deepEqual([error.kind, error.detail], ['encode-failure', 'payload-too-large']);
  });

  test(`[a1-in-2] over ${transport}: a message over the receiver’s maxPayloadLen fails alone`, async (t) => {
    const imperium = new SocketImperium(t, transport);
    const [gateway, worker] = [await imperium.open(), await imperium.open({ config: { maxPayloadLen: 100 } })];
    const Blocks = endpoint('blocks', bytes());
    await worker.serve(Blocks, () => {});
    const to = { to: worker.address };
    await gateway.send(Blocks, new Uint8Array(100), to);
    const error = await failureOf(gateway.send(Blocks, new Uint8Array(101), to));
    assert.deepEqual([error.kind, error.delivery], ['protocol-violation', 'refused']);
    await gateway.send(Blocks, new Uint8Array(99), to);
  });

  test(`[api-11] over ${transport}: an address in use is bind-failed, and its holder is not disturbed`, async (t) => {
    const imperium = new SocketImperium(t, transport);
    const holder = await imperium.open();
    await holder.serve(Numbers, () => {});
    const error = await failureOf(imperium.open({ address: holder.address }));
    assert.equal(error.kind, 'bind-failed');
    assert.match(error.message, transport === 'tcp' ? /in use/ : /another process listens there/);
    assert.ok(error.message.includes(holder.address.replace(/^\w+:\/\//, '')), error.message);
    const gateway = await imperium.open();
    await gateway.send(Numbers, 1, { to: holder.address });
    await holder.shutdown();
    const successor = await imperium.open({ address: holder.address });
    assert.equal(successor.address, holder.address);
  });

  test(`[a1-call-7] [a1-inv-1] over ${transport}: a peer that restarts is met again at its address`, async (t) => {
    const imperium = new SocketImperium(t, transport);
    const config = { reconnectBackoff: [20] };
    const [gateway, first] = [await imperium.open({ config }), await imperium.open()];
    const held = await first.taberna(Numbers);
    const stuck = new Watched(gateway.send(Numbers, 1, { to: first.address }));
    await held.receive();
    await first.shutdown({ drainTimeout: 0, signal: AbortSignal.abort() });
    const second = await imperium.open({ address: first.address });
    const seen: number[] = [];
    await second.serve(Numbers, (message) => void seen.push(message));
    await gateway.send(Numbers, 2, { to: second.address });
    assert.deepEqual(seen, [2]);
    assert.ok(['peer-restarted', 'peer-unavailable'].includes(stuck.kind), stuck.kind);
    assert.equal((stuck.state as DomusError).delivery, 'unknown');
  });

  test(`[a1-close-4] over ${transport}: both sides shut down while messages are under way, and every send settles once`, async (t) => {
    const imperium = new SocketImperium(t, transport);
    const [left, right] = [await imperium.open(), await imperium.open()];
    for (const domus of [left, right]) await domus.serve(Numbers, async () => {});
    const sends = Array.from({ length: 200 }, (_, i) => {
      const [from, to] = i % 2 === 0 ? [left, right] : [right, left];
      return new Watched(from.send(Numbers, i, { to: to.address, whenFull: 'wait' }));
    });
    await left.send(Numbers, 0, { to: right.address });
    await Promise.all([left.shutdown({ drainTimeout: 200 }), right.shutdown({ drainTimeout: 200 })]);
    for (const { settled, kind } of sends) {
      assert.equal(settled, 1);
      assert.ok(['resolved', 'domus-closed', 'peer-unavailable'].includes(kind), kind);
    }
  });

  test(`[a1-send-8] over ${transport}: nobody at the address: the send tells what the dial met`, async (t) => {
    const imperium = new SocketImperium(t, transport);
    const gateway = await imperium.open({ config: { reconnectBackoff: [20] } });
    const nobody = await imperium.address();
    const error = await unreachedFailure(gateway, () => gateway.send(Numbers, 1, { to: nobody }));
    assert.deepEqual([error.kind, error.delivery, error.peer], ['send-timeout', 'not-sent', nobody]);
    assert.match(error.message, /no connection before the deadline/);
    assert.ok(DomusError.is(error.cause) && error.cause.kind === 'peer-unavailable', String(error.cause));
    assert.match(error.cause.message, transport === 'tcp' ? /refused/ : /no such socket/);
  });

  test(`[api-58] over ${transport}: nothing that a domus shows holds key material`, async (t) => {
    const imperium = new SocketImperium(t, transport);
    const address = await imperium.address();
    const material = await issueAuth({ ca: await imperium.authority(), nodeId: 'node' })(address);
    const domus = await imperium.open({ address, auth: material });
    const key = material.key.replace(/-----[A-Z ]+-----|\s/g, '');
    const inbox = await domus.taberna(Numbers);
    const sent = domus.send(Numbers, 1);
    const request = await inbox.receive();
    const depth = { depth: 12, showHidden: true, maxStringLength: null, maxArrayLength: null };
    const bytesOf = (text: string): string => inspect(Buffer.from(text, 'base64').subarray(40, 60)).slice(8, -1);
    const parts = (domus as unknown as { parts: object }).parts;
    for (const shown of [
      domus,
      inbox,
      request,
      request.from,
      domus.reporting.snapshot(),
      domus.config.snapshot(),
      parts,
    ]) {
      const text = inspect(shown, depth);
      assert.ok(!text.includes(key.slice(20, 60)) && !text.includes('PRIVATE KEY') && !text.includes(bytesOf(key)));
    }
    request.accept();
    await sent;
  });
}

test('[api-4] port 0 picks a free port, as often as one asks', async (t) => {
  const imperium = new SocketImperium(t, 'tcp');
  const domus = await Promise.all([1, 2, 3, 4].map(() => imperium.open({ address: 'tcp://127.0.0.1:0' })));
  assert.equal(new Set(domus.map(({ address }) => address)).size, 4);
  await domus[0]!.serve(Numbers, () => {});
  await domus[1]!.send(Numbers, 1, { to: domus[0]!.address });
  const material = await issueAuth({ ca: await createAuthority(), nodeId: 'node' })('tcp://127.0.0.1:7');
  const error = await failureOf(imperium.open({ address: 'tcp://127.0.0.1:0', auth: material }));
  assert.deepEqual([error.kind, error.detail], ['invalid-config', 'auth']);
});

test('[api-9] behind a forwarder a domus listens elsewhere, and keeps the identity that peers dial', async (t) => {
  const imperium = new SocketImperium(t, 'tcp');
  const [outside, inside] = [await freePort(), await freePort()];
  const forwarder = await forward(outside, inside);
  const worker = await imperium.open({ address: tcpAddress('127.0.0.1', outside), listen: `127.0.0.1:${inside}` });
  const gateway = await imperium.open();
  await worker.serve(Numbers, () => {});
  await gateway.serve(Others, () => {});
  await gateway.send(Numbers, 1, { to: worker.address });
  await gateway.shutdown();
  const second = await imperium.open();
  await second.serve(Others, () => {});
  await worker.send(Others, 2, { to: second.address });
  assert.equal(forwarder.connections, 2, 'one dial, and one call back, came this way');
  await forwarder.close();
});

test('[api-2] [a0-addr-1] two transports never meet in one imperium', async (t) => {
  const [tcp, unix] = [new SocketImperium(t, 'tcp'), new SocketImperium(t, 'unix')];
  const [left, right] = [await tcp.open(), await unix.open()];
  for (const [from, to] of [
    [left, right],
    [right, left],
  ] as const) {
    const error = await failureOf(from.send(Numbers, 1, { to: to.address }));
    assert.deepEqual([error.kind, error.delivery], ['address-mismatch', 'not-sent']);
  }
});

test('[api-9] listen is for TCP alone', async (t) => {
  const error = await failureOf(new SocketImperium(t, 'unix').open({ listen: '127.0.0.1:7000' }));
  assert.deepEqual([error.kind, error.detail], ['invalid-config', 'listen']);
});

test('[a1-inv-7] a process that cannot be reached delays nobody else', async (t) => {
  const imperium = new SocketImperium(t, 'tcp');
  const [gateway, worker] = [await imperium.open({ config: { sendTimeout: 300_000 } }), await imperium.open()];
  await worker.serve(Numbers, () => {});
  const silent = createServer((socket) => void socket.on('error', () => {}).resume()).listen(0, '127.0.0.1');
  await once(silent, 'listening');
  const { port } = silent.address() as { port: number };
  const stuck = new Watched(gateway.send(Numbers, 1, { to: tcpAddress('127.0.0.1', port) }));
  for (let i = 0; i < 50; i++) await gateway.send(Numbers, i, { to: worker.address });
  assert.equal(stuck.kind, 'pending');
  await gateway.shutdown({ drainTimeout: 0 });
  assert.equal(stuck.kind, 'domus-closed');
  silent.close();
  await once(silent, 'close');
});

test('[api-43] [case-17] opening that fails leaves nothing open', async (t) => {
  const imperium = new SocketImperium(t, 'tcp');
  const port = await freePort();
  const auth = issueAuth({ ca: await imperium.authority(), nodeId: 'node' });
  for (const config of [{ sendQueueSize: 0 }, { sendTimeout: 10, acceptTimeout: 11 }]) {
    await failureOf(Domus.open({ address: tcpAddress('127.0.0.1', port), auth, config }));
  }
  const server = createServer().listen(port, '127.0.0.1');
  await once(server, 'listening');
  server.close();
  await once(server, 'close');
});

interface Forwarder {
  readonly connections: number;
  close(): Promise<void>;
}

/** Passes connections from one port of this machine on to another. */
async function forward(from: number, to: number): Promise<Forwarder> {
  const sockets = new Set<Socket>();
  let connections = 0;
  const server: Server = createServer({ allowHalfOpen: true }, (near) => {
    connections++;
    const far = connect({ port: to, host: '127.0.0.1', allowHalfOpen: true });
    for (const socket of [near, far]) {
      sockets.add(socket);
      socket.on('error', () => {});
      socket.on('close', () => sockets.delete(socket));
    }
    near.pipe(far);
    far.pipe(near);
  }).listen(from, '127.0.0.1');
  await once(server, 'listening');
  return {
    get connections() {
      return connections;
    },
    async close() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}
