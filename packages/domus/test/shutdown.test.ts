import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { test } from 'node:test';
import type { DomusError } from '@flaminia/transport-a0';
import type { Domus } from '../src/domus.ts';
import { Files } from './blob-imperium.ts';
import { Bench, eventsOf, failureOf, gate, imperium, Numbers, Others, rest, Watched } from './memory-bench.ts';

test('[api-42] [a1-close-6] an idle domus closes without the clock, connected or not', async (t) => {
  const bench = new Bench(t);
  const [gateway, worker, alone] = [await bench.open(1), await bench.open(2), await bench.open(3)];
  await worker.serve(Numbers, () => {});
  await gateway.send(Numbers, 1, { to: worker.address });
  await alone.shutdown();
  await worker.shutdown();
  await gateway.shutdown();
  await rest();
  assert.equal(bench.clock.now(), 0);
  assert.equal(bench.clock.pending, 0, 'no timer is left');
});

test('[api-42] [a1-close-4] sends and handlers under way may end within drainTimeout', async (t) => {
  const bench = new Bench(t);
  const [gateway, worker] = [await bench.open(1), await bench.open(2)];
  const gates = [gate(), gate()];
  await worker.serve(Numbers, (message) => gates[message]!.passed);
  const sends = [0, 1].map((message) => new Watched(gateway.send(Numbers, message, { to: worker.address })));
  await rest();
  const closed = [new Watched(gateway.shutdown()), new Watched(worker.shutdown())];
  await bench.advance(4_000);
  assert.deepEqual(kinds([...sends, ...closed]), ['pending', 'pending', 'pending', 'pending']);
  gates[0]!.open();
  await rest();
  assert.deepEqual(kinds([...sends, ...closed]), ['resolved', 'pending', 'pending', 'pending']);
  gates[1]!.open();
  await rest();
  assert.deepEqual(kinds([...sends, ...closed]), ['resolved', 'resolved', 'resolved', 'resolved']);
  assert.equal(bench.clock.pending, 0);
});

test('[api-42] handlers that have accepted, and whose streams have arrived, may still end within drainTimeout', async (t) => {
  const bench = new Bench(t);
  const [gateway, worker] = [await bench.open(1), await bench.open(2)];
  const stored = gate();
  let received = 0;
  await worker.serve(Files, async (_, { blob }) => {
    for await (const part of blob) received += part.length;
    await stored.passed;
  });
  const noted = gate();
  await worker.serve(Numbers, async (_, request) => {
    request.accept();
    await noted.passed;
  });
  await gateway.send(Numbers, 1, { to: worker.address });
  await bench.advance(25);
  const sender = await gateway.sendBlob(Files, 'file', { to: worker.address });
  await pipeline(Readable.from(['bytes']), sender);
  const closed = new Watched(worker.shutdown());
  await bench.advance(1_000);
  assert.equal(received, 5);
  assert.equal(closed.kind, 'pending');
  stored.open();
  await rest();
  assert.equal(closed.kind, 'pending');
  noted.open();
  await rest();
  assert.equal(closed.kind, 'resolved');
});

test('[api-42] [a1-close-4] what has not ended by drainTimeout fails with domus-closed', async (t) => {
  const bench = new Bench(t);
  const [gateway, worker] = [await bench.open(1), await bench.open(2)];
  const inbox = await worker.taberna(Numbers);
  const sent = new Watched(gateway.send(Numbers, 1, { to: worker.address }));
  const request = await inbox.receive();
  const closed = new Watched(gateway.shutdown({ drainTimeout: 700 }));
  await bench.advance(699);
  assert.deepEqual(kinds([sent, closed]), ['pending', 'pending']);
  await bench.advance(1);
  assert.deepEqual(kinds([sent, closed]), ['domus-closed', 'resolved']);
  const { delivery, retryable, peer } = sent.state as DomusError;
  assert.deepEqual([delivery, retryable, peer], ['unknown', false, worker.address]);
  assert.equal(request.accept(), false, 'the sender is gone');
});

test('[api-42] [a1-close-4] a drainTimeout of 0 fails everything at once', async (t) => {
  const bench = new Bench(t);
  const [gateway, worker] = [await bench.open(1), await bench.open(2)];
  await worker.serve(Numbers, () => new Promise(() => {}));
  await gateway.serve(Others, () => new Promise(() => {}));
  const [out, local] = [gateway.send(Numbers, 1, { to: worker.address }), gateway.send(Others, 2)];
  const sends = [out, local].map((sent) => new Watched(sent));
  await rest();
  await gateway.shutdown({ drainTimeout: 0 });
  assert.deepEqual(kinds(sends), ['domus-closed', 'domus-closed']);
  assert.equal(bench.clock.now(), 0);
});

test('[a1-close-4] local deliveries under way hold a shutdown as long as they last, and no longer', async (t) => {
  const bench = new Bench(t);
  const domus = await bench.open(1);
  const held = gate();
  await domus.serve(Numbers, () => held.passed);
  const sent = new Watched(domus.send(Numbers, 1));
  await rest();
  const closed = new Watched(domus.shutdown());
  await bench.advance(1_000);
  assert.deepEqual(kinds([sent, closed]), ['pending', 'pending']);
  held.open();
  await rest();
  assert.deepEqual([...kinds([sent, closed]), bench.clock.now()], ['resolved', 'resolved', 1_000]);
});

test('[a1-close-7] an aborted signal cuts what is left: given at once, later, or to a second call', async (t) => {
  const bench = new Bench(t);
  const worker = await bench.open(9);
  await worker.serve(Numbers, () => new Promise(() => {}));
  const stop = new AbortController();
  const ways: ((domus: Domus) => Promise<void>)[] = [
    (domus) => domus.shutdown({ signal: AbortSignal.abort() }),
    (domus) => {
      const closed = domus.shutdown({ signal: stop.signal });
      stop.abort();
      return closed;
    },
    (domus) => {
      const closed = domus.shutdown({ drainTimeout: 300_000 });
      domus.shutdown({ signal: AbortSignal.abort() }).catch(() => {});
      return closed;
    },
  ];
  for (const [port, way] of ways.entries()) {
    const domus = await bench.open(port + 1);
    const sent = new Watched(domus.send(Numbers, 1, { to: worker.address }));
    await rest();
    await way(domus);
    assert.equal(sent.kind, 'domus-closed');
  }
  assert.equal(bench.clock.now(), 0);
});

test('[a1-close-8] [api-42] shutdown is idempotent, and disposal is one', async (t) => {
  const bench = new Bench(t);
  const domus = await bench.open(1);
  const events = eventsOf(domus);
  await Promise.all([domus.shutdown(), domus.shutdown({ drainTimeout: 0 }), domus[Symbol.asyncDispose]()]);
  await domus.shutdown();
  assert.deepEqual(
    events.map(({ kind }) => kind),
    ['shutdown-started', 'shutdown-complete'],
  );
  await bench.open(1);
});

test('[api-43] from the call on, everything that needs the fabric fails with domus-closed', async (t) => {
  const bench = new Bench(t);
  const [domus, worker] = [await bench.open(1), await bench.open(2)];
  const held = gate();
  const inbox = await domus.taberna(Others);
  await worker.serve(Numbers, () => held.passed);
  const sent = domus.send(Numbers, 0, { to: worker.address });
  await rest();
  const closed = domus.shutdown();
  const check = async (): Promise<void> => {
    const calls: [Promise<unknown>, string | undefined][] = [
      [domus.send(Numbers, 1), 'numbers'],
      [domus.send(Numbers, 1, { to: worker.address }), 'numbers'],
      [domus.serve(Numbers, () => {}), 'numbers'],
      [domus.taberna(Numbers), 'numbers'],
      [inbox.receive(), 'others'],
    ];
    for (const [call, name] of calls) {
      const error = await failureOf(call);
      assert.deepEqual([error.kind, error.delivery, error.endpoint], ['domus-closed', 'not-sent', name]);
    }
  };
  await check();
  held.open();
  await Promise.all([sent, closed]);
  await check();
  assert.equal(domus.reporting.snapshot().peers.current, 0);
});

test('[a1-in-9] [a1-close-3] peers of a domus that shuts down: waiting messages and new ones are domus-closed, then the peer ends', async (t) => {
  const bench = new Bench(t);
  const [gateway, worker] = [await bench.open(1), await bench.open(2)];
  const held = gate();
  await worker.serve(Numbers, () => held.passed, { concurrency: 1 });
  const to = { to: worker.address };
  const [taken, queued] = [1, 2].map((message) => new Watched(gateway.send(Numbers, message, to)));
  await rest();
  const closed = worker.shutdown();
  const fresh = new Watched(gateway.send(Numbers, 3, to));
  await rest();
  assert.deepEqual(kinds([taken!, queued!, fresh]), ['pending', 'domus-closed', 'domus-closed']);
  assert.equal((queued!.state as DomusError).delivery, 'refused');
  held.open();
  await closed;
  await rest();
  assert.equal(taken!.kind, 'resolved');
  const late = new Watched(gateway.send(Numbers, 4, to));
  await bench.advance(30_000);
  assert.equal(late.kind, 'send-timeout');
  assert.match(String((late.state as DomusError).cause), /refused/);
});

test('[a1-loss-7] [a1-loss-8] the close of one peer fails its unanswered work and touches no other; its successor is welcome', async (t) => {
  const bench = new Bench(t);
  const [gateway, first, other] = [await bench.open(1), await bench.open(2), await bench.open(3)];
  await first.serve(Numbers, () => new Promise(() => {}));
  const held = gate();
  await other.serve(Numbers, () => held.passed);
  const [stuck, fine] = [first, other].map((peer) => new Watched(gateway.send(Numbers, 1, { to: peer.address })));
  await rest();
  await first.shutdown({ drainTimeout: 0 });
  await rest();
  assert.deepEqual([stuck!.kind, (stuck!.state as DomusError).delivery], ['peer-unavailable', 'unknown']);
  const second = await bench.open(2);
  await second.serve(Numbers, () => {});
  await gateway.send(Numbers, 2, { to: second.address });
  held.open();
  await rest();
  assert.equal(fine!.kind, 'resolved');
});

test('[a1-close-5] peers are closed concurrently: one that cannot be reached holds up nobody', async (t) => {
  const world = imperium(t);
  const gateway = await world.domus('gateway');
  const workers = await Promise.all(['a', 'b', 'c'].map((name) => world.domus(name)));
  for (const worker of workers) await worker.serve(Numbers, () => {});
  for (const worker of workers) await gateway.send(Numbers, 1, { to: worker.address });
  world.cut(gateway, workers[1]!);
  const sent = new Watched(gateway.send(Numbers, 2, { to: workers[1]!.address }));
  const closed = new Watched(gateway.shutdown({ drainTimeout: 2_000 }));
  await world.advance(2_000);
  assert.deepEqual(kinds([sent, closed]), ['domus-closed', 'resolved']);
});

test('[a1-close-4] a send of the last moment still dials, is delivered, and lets the shutdown end', async (t) => {
  const bench = new Bench(t);
  const [gateway, worker] = [await bench.open(1), await bench.open(2)];
  const seen: number[] = [];
  await worker.serve(Numbers, (message) => void seen.push(message));
  const sent = new Watched(gateway.send(Numbers, 1, { to: worker.address }));
  await gateway.shutdown();
  assert.deepEqual([sent.kind, seen, bench.clock.now()], ['resolved', [1], 0]);
});

test('[a1-close-3] a domus that drains takes no connection of a peer that it has no work with', async (t) => {
  const bench = new Bench(t);
  const [gateway, worker, stranger] = [await bench.open(1), await bench.open(2), await bench.open(3)];
  const held = gate();
  await worker.serve(Numbers, () => held.passed);
  const sent = gateway.send(Numbers, 1, { to: worker.address });
  await rest();
  const closed = worker.shutdown();
  const refused = new Watched(stranger.send(Numbers, 2, { to: worker.address }));
  await bench.advance(3_000);
  assert.equal(refused.kind, 'pending');
  assert.equal(worker.reporting.snapshot().primaryCalles.opened, 1);
  held.open();
  await Promise.all([sent, closed]);
});

function kinds(watched: readonly Watched[]): string[] {
  return watched.map(({ kind }) => kind);
}
