import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { Bench, eventsOf, imperium, Numbers, rest, Watched } from '../test/memory-bench.ts';

test('[api-36] the first decision counts; every later one is false', async (t) => {
  const world = imperium(t);
  const [gateway, worker] = [await world.domus('gateway'), await world.domus('worker')];
  const inbox = await worker.taberna(Numbers);
  const [yes, no] = [new Watched(gateway.send(Numbers, 1)), new Watched(gateway.send(Numbers, 2))];
  const [first, second] = [await inbox.receive(), await inbox.receive()];
  assert.equal(first.isDecided, false);
  assert.deepEqual([first.accept(), first.accept(), first.reject(), first.isDecided], [true, false, false, true]);
  assert.deepEqual([second.reject(), second.accept()], [true, false]);
  await world.advance(0);
  assert.deepEqual([yes.kind, no.kind], ['resolved', 'remote-taberna-rejected']);
  await inbox.close();
  assert.equal(yes.settled, 1);
});

test('[api-36] [a1-call-9] an answer to a sender that has restarted is false and reaches nobody', async (t) => {
  const bench = new Bench(t);
  const worker = await bench.open(2);
  const inbox = await worker.taberna(Numbers);
  const first = await bench.open(1);
  const lost = new Watched(first.send(Numbers, 1, { to: worker.address }));
  const old = await inbox.receive();
  await bench.crash(first, [worker]);
  assert.equal(lost.kind, 'domus-closed');
  const second = await bench.open(1);
  const sent = new Watched(second.send(Numbers, 2, { to: worker.address }));
  const fresh = await inbox.receive();
  assert.equal(old.accept(), false);
  await rest();
  assert.equal(sent.kind, 'pending', 'the old acceptance must not count for the new message');
  assert.equal(fresh.accept(), true);
  await rest();
  assert.equal(sent.kind, 'resolved');
});

test('[api-37] split gives message and completion apart; both decide the same request', async (t) => {
  const world = imperium(t);
  const [gateway, worker] = [await world.domus('gateway'), await world.domus('worker')];
  const inbox = await worker.taberna(Numbers);
  const sends = [1, 2, 3].map((message) => new Watched(gateway.send(Numbers, message)));
  const requests = [await inbox.receive(), await inbox.receive(), await inbox.receive()];
  const [one, two, three] = requests.map((request) => request.split());
  assert.deepEqual([one!.message, two!.message, three!.message], [1, 2, 3]);
  assert.deepEqual([one!.completion.accept(), requests[0]!.accept(), one!.completion.reject()], [true, false, false]);
  assert.deepEqual([requests[1]!.reject(), two!.completion.accept()], [true, false]);
  three!.completion[Symbol.dispose]();
  await world.advance(0);
  assert.deepEqual(
    sends.map(({ kind }) => kind),
    ['resolved', 'remote-taberna-rejected', 'remote-taberna-rejected'],
  );
});

test('[api-38] disposal rejects what is undecided and leaves a decision alone', async (t) => {
  const world = imperium(t);
  const [gateway, worker] = [await world.domus('gateway'), await world.domus('worker')];
  const inbox = await worker.taberna(Numbers);
  const sends = [1, 2].map((message) => new Watched(gateway.send(Numbers, message)));
  for (let i = 0; i < 2; i++) {
    using request = await inbox.receive();
    if (request.message === 1) request.accept();
  }
  await world.advance(0);
  assert.deepEqual(
    sends.map(({ kind }) => kind),
    ['resolved', 'remote-taberna-rejected'],
  );
});

// Exposed here, so that the test never depends on the flags of its run.
setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

test('[api-39] a request that the program forgets is rejected when it is collected, and reported', async (t) => {
  const world = imperium(t);
  const [gateway, worker] = [await world.domus('gateway'), await world.domus('worker')];
  const events = eventsOf(worker);
  const inbox = await worker.taberna(Numbers);
  const [forgotten, kept] = [new Watched(gateway.send(Numbers, 1)), new Watched(gateway.send(Numbers, 2))];
  await inbox.receive();
  const { completion } = (await inbox.receive()).split();
  for (let round = 0; round < 50 && forgotten.kind === 'pending'; round++) {
    collect();
    await world.advance(0);
  }
  assert.deepEqual([forgotten.kind, kept.kind], ['remote-taberna-rejected', 'pending']);
  assert.match((forgotten.state as Error).message, /forgot/);
  const reported = events.find(({ kind }) => kind === 'handler-failed');
  assert.match(JSON.stringify(reported), /invalid-state.*forgotten/);
  assert.equal(completion.accept(), true, 'who holds the completion holds the request');
});
