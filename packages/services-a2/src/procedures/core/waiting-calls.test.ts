import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type WaitingCall, WaitingCalls, type WaitingList, waitingList } from './waiting-calls.ts';

interface Peer {
  aside: WaitingList<Call>;
  isChoked: boolean;
}

class Call implements WaitingCall<Call> {
  readonly id: number;
  readonly peer: Peer;
  order = 0;
  waitsIn: WaitingList<Call> | undefined = undefined;
  waitBefore: Call | undefined = undefined;
  waitAfter: Call | undefined = undefined;

  constructor(id: number, peer: Peer) {
    this.id = id;
    this.peer = peer;
  }
}

const peer = (): Peer => ({ aside: waitingList(), isChoked: false });

/** Waiting calls with a count of the questions whether a peer is choked. */
function counted(): { readonly calls: WaitingCalls<Call>; asked: number; take(): Call | undefined } {
  const rig = {
    calls: new WaitingCalls<Call>(),
    asked: 0,
    take: () =>
      rig.calls.take((each) => {
        rig.asked++;
        return (each as Peer).isChoked;
      }),
  };
  return rig;
}

test('each take gives the oldest call of a peer that is not choked, whatever comes, goes, chokes and resumes', () => {
  const { calls, take } = counted();
  const peers = [peer(), peer(), peer()];
  let model: Call[] = [];
  let state = 7;
  const random = (below: number): number => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    return (state >>> 8) % below;
  };
  for (let step = 0; step < 20_000; step++) {
    const one = peers[random(peers.length)]!;
    const what = random(8);
    if (what < 3) {
      const call = new Call(step, one);
      calls.add(call);
      model.push(call);
    } else if (what < 5) {
      const oldest = model.find((call) => !call.peer.isChoked);
      assert.equal(take(), oldest);
      model = model.filter((call) => call !== oldest);
    } else if (what === 5 && model.length > 0) {
      const call = model[random(model.length)]!;
      assert.equal(calls.delete(call), true);
      assert.equal(calls.delete(call), false);
      model = model.filter((each) => each !== call);
    } else {
      one.isChoked = !one.isChoked;
      if (!one.isChoked) calls.resume(one);
    }
  }
  for (const each of peers) {
    each.isChoked = false;
    calls.resume(each);
  }
  for (const call of model) assert.equal(take(), call);
  assert.equal(take(), undefined);
});

test('calls of a choked peer are looked at once, not for every handler that ends', () => {
  const rig = counted();
  const [silent, honest] = [peer(), peer()];
  silent.isChoked = true;
  for (let i = 0; i < 10_000; i++) rig.calls.add(new Call(i, silent));
  for (let i = 0; i < 1_000; i++) {
    const call = new Call(i, honest);
    rig.calls.add(call);
    assert.equal(rig.take(), call);
  }
  assert.equal(rig.asked, 11_000);
});
