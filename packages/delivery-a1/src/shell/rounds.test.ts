import assert from 'node:assert/strict';
import { test } from 'node:test';
import { turns } from '@flaminia/testkit';
import { Rounds } from './rounds.ts';
import type { Share } from './share.ts';

test('a share is small while messages come, and large otherwise', () => {
  let now = 1000;
  const rounds = new Rounds({ measuredNow: () => now });
  const large = rounds.shareBytes;
  rounds.noteMessages(now);
  assert.ok(rounds.shareBytes < large);
  now += 99;
  assert.ok(rounds.shareBytes < large);
  now += 1;
  assert.equal(rounds.shareBytes, large);
});

test('each share that is used up is renewed once in the next round, and in the one after if it is used up by then', async () => {
  const rounds = new Rounds({ measuredNow: () => 0 });
  const renewed: string[] = [];
  const share = (name: string, again: number): Share => {
    const renew = (): void => {
      renewed.push(name);
      if (again-- > 0) rounds.renewLater(one);
    };
    const one = { renew } as Share;
    return one;
  };
  rounds.renewLater(share('a', 1));
  rounds.renewLater(share('b', 0));
  assert.deepEqual(renewed, []);
  await turns(1);
  assert.deepEqual(renewed.slice(0, 2), ['a', 'b']);
  await turns(2);
  assert.deepEqual(renewed, ['a', 'b', 'a']);
});
