/** The contract, third part: how streams end. */
import assert from 'node:assert/strict';
import { turns, until } from '../until.ts';
import type { ContractImperium } from './contract-domus.ts';
import type { ContractTest } from './contract-test.ts';
import type { StreamEnd, Told } from './stream-end.ts';

interface Ends {
  readonly dialled: StreamEnd;
  readonly accepted: StreamEnd;
}

export function describeEnding(contract: ContractTest): void {
  for (const first of ['dialled', 'accepted'] as const) {
    contract(`the ${first} side ends its direction, and the other one goes on until its own end`, async (imperium) => {
      const ends = await imperium.connect();
      const [ender, other] = first === 'dialled' ? [ends.dialled, ends.accepted] : [ends.accepted, ends.dialled];
      ender.write('last words');
      ender.end();
      await until(() => other.isEnded, 'the end');
      assert.equal(other.text, 'last words');
      other.write('an answer ');
      await until(() => ender.text === 'an answer ', 'an answer');
      other.write('of two parts');
      other.end();
      await until(() => ender.isClosed && other.isClosed, 'closed on both sides');
      assert.equal(ender.text, 'an answer of two parts');
      assert.deepEqual([ender.closes, other.closes], [[undefined], [undefined]]);
      assert.deepEqual(
        [ender.told.slice(-2), other.told.slice(-2)],
        [
          ['ended', 'closed'],
          ['ended', 'closed'],
        ],
      );
    });
  }

  contract('both sides end at once: each gets all bytes, the end, and closed', async (imperium) => {
    const { dialled, accepted } = await imperium.connect();
    for (const end of [dialled, accepted]) {
      end.write(Buffer.alloc(200_000, 'x'));
      end.end();
    }
    await until(() => dialled.isClosed && accepted.isClosed, 'closed on both sides');
    for (const end of [dialled, accepted]) {
      assert.equal(end.receivedBytes, 200_000);
      assert.deepEqual(
        end.told.filter((what) => what !== 'drained'),
        ['bytes', 'ended', 'closed'],
      );
      assert.deepEqual(end.closes, [undefined]);
    }
  });

  contract('an end waits for all that was written', async (imperium) => {
    const { dialled, accepted } = await imperium.join();
    dialled.start();
    for (let i = 0; i < 64; i++) dialled.write(Buffer.alloc(64 * 1024, i));
    dialled.end();
    await turns(20);
    accepted.start();
    await until(() => accepted.isEnded, 'the end');
    assert.equal(accepted.receivedBytes, 64 * 64 * 1024);
  });

  contract('what is written behind the own end is ignored', async (imperium) => {
    const { dialled, accepted } = await imperium.connect();
    dialled.write('before');
    dialled.end();
    dialled.end();
    assert.equal(dialled.write('behind'), true);
    await until(() => accepted.isEnded, 'the end');
    assert.equal(accepted.text, 'before');
    assert.equal(dialled.isClosed, false);
  });

  contract('closed waits for a reader', async (imperium) => {
    const { dialled, accepted } = await imperium.join();
    accepted.start();
    dialled.destroy();
    await until(() => accepted.isEnded || accepted.isClosed, 'the end of the other side');
    assert.deepEqual(dialled.told, []);
    dialled.start();
    await until(() => dialled.isClosed, 'closed');
    assert.deepEqual(dialled.told, ['closed']);
  });

  contract('the peer is gone: its reader is told so, and its own destroy ends the rest', async (imperium) => {
    const { dialled, accepted } = await imperium.connect();
    dialled.write('first');
    await until(() => accepted.text === 'first', 'bytes');
    dialled.destroy();
    await until(() => accepted.isEnded || accepted.isClosed, 'the end');
    accepted.destroy();
    await until(() => dialled.isClosed && accepted.isClosed, 'closed on both sides');
    assert.deepEqual(dialled.closes, [undefined]);
  });

  describeDestroy(contract);
}

/** What a side has been through when it is destroyed. */
const STATES: Readonly<Record<string, (ends: Ends) => Promise<void> | void>> = {
  'while nobody reads': () => {},
  'right behind its start': ({ dialled }) => void dialled.start(),
  'at rest': async ({ dialled, accepted }) => {
    dialled.start().write('hello');
    await until(() => accepted.text === 'hello', 'bytes');
  },
  'while corked': ({ dialled }) => {
    dialled.start().cork();
    dialled.write('corked');
  },
  'with writes that wait': ({ dialled }) => {
    dialled.start();
    for (let i = 0; i < 64; i++) dialled.write(Buffer.alloc(256 * 1024));
  },
  'behind its own end': ({ dialled }) => {
    dialled.start().write('last');
    dialled.end();
  },
  'behind the end of the peer': async ({ dialled, accepted }) => {
    dialled.start();
    accepted.end();
    await until(() => dialled.isEnded, 'the end of the peer');
  },
  'while bytes of the peer arrive': async ({ dialled, accepted }) => {
    dialled.start();
    for (let i = 0; i < 64; i++) accepted.write(Buffer.alloc(256 * 1024));
    await until(() => dialled.receivedBytes > 0, 'bytes of the peer');
  },
  'when it is closed': async ({ dialled, accepted }) => {
    dialled.start().end();
    accepted.end();
    await until(() => dialled.isClosed, 'closed');
  },
};

function describeDestroy(contract: ContractTest): void {
  for (const [state, reach] of Object.entries(STATES)) {
    contract(`destroy ${state}: closed comes once and last, and a second destroy does nothing`, async (imperium) => {
      const ends = await imperium.join();
      const { dialled, accepted } = ends;
      accepted.start();
      await reach(ends);
      dialled.destroy();
      dialled.destroy();
      dialled.end();
      dialled.cork();
      dialled.uncork();
      assert.equal(dialled.write('too late'), true);
      if (state === 'while nobody reads') dialled.start();
      await until(() => dialled.isClosed && dialled.flushes === dialled.writes, 'closed and flushed');
      assert.equal(dialled.told.at(-1), 'closed');
      assert.equal(accepted.text.includes('too late'), false);
    });
  }

  for (const what of ['bytes', 'ended', 'drained', 'closed'] as const) {
    contract(`a reader may destroy the stream from inside ${what}; then only closed follows`, async (imperium) => {
      const { dialled } = await provoke(imperium, what);
      assert.deepEqual(dialled.told.slice(dialled.told.indexOf(what) + 1), what === 'closed' ? [] : ['closed']);
    });
  }
}

/** Destroys the dialled end from inside the first telling of `what`, and waits for its end. */
async function provoke(imperium: ContractImperium, what: Told): Promise<Ends> {
  const ends = await imperium.join();
  const { dialled, accepted } = ends;
  dialled.onTold = (told) => {
    if (told === what) dialled.destroy();
  };
  // Several pieces wait for the reader before it begins.
  for (let i = 0; i < 5; i++) {
    accepted.write(`piece ${i}`);
    await turns(5);
  }
  dialled.start();
  accepted.start();
  while (dialled.write(Buffer.alloc(256 * 1024)));
  await until(() => what !== 'drained' || dialled.isClosed, 'drained');
  accepted.end();
  await until(() => what !== 'ended' || dialled.isClosed, 'ended');
  if (what === 'closed') dialled.end();
  await until(() => dialled.isClosed, 'closed');
  return ends;
}
