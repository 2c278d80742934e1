/** Both ends of one direction of a stream against each other, on random courses. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { FlushProgram, SendWaiter } from '../../src/port.ts';
import { HeadReader, ITEMS } from '../../src/procedures/core/wire.ts';
import { ItemsIn } from '../../src/procedures/items-in.ts';
import { ItemsOut } from '../../src/procedures/items-out.ts';
import { ProcedureError } from '../../src/procedures/procedure-error.ts';
import { decodeCbor } from '../../src/values/cbor-values.ts';

interface Sent {
  readonly type: number;
  readonly payload: Uint8Array;
  readonly waiter: SendWaiter;
}

/** Turns of promise jobs, in which a pump moves as far as it can. */
async function jobs(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
}

async function course(seed: number): Promise<void> {
  let state = seed;
  const random = (below: number): number => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    return (state >>> 8) % below;
  };
  const reader = new HeadReader();
  const wire: Sent[] = [];
  const credits: number[] = [];
  let programs: FlushProgram[] = [];
  const window = 50 + random(400);
  const first = random(2) === 0 ? window : Math.min(window, 20);
  const out = new ItemsOut(
    {
      id: 1,
      runBeforeFlush: (program) => void programs.push(program),
      sendItems: (type, payload, waiter) => void wire.push({ type, payload, waiter }),
      itemsFailed: () => assert.fail('nothing fails here'),
    },
    first,
  );
  const into = new ItemsIn(
    {
      giveCredit: (bytes) => void credits.push(bytes),
      left: () => {},
      misfit: () => new ProcedureError('internal', 'no'),
    },
    (value) => value,
    window,
    first,
  );
  const count = 400;
  const largest = 1 + random(window);
  const items = Array.from({ length: count }, (_, at) => `${at} ${'x'.repeat(random(largest))}`);
  // A producer that is slow now and then: several messages leave before the credit is spent.
  let open: (() => void) | undefined;
  let released = 0;
  async function* slowly(): AsyncGenerator<string> {
    for (const [at, item] of items.entries()) {
      while (at >= released) {
        await new Promise<void>((resolve) => {
          open = resolve;
        });
      }
      yield item;
    }
  }
  const pumped = out.pump(slowly());
  into.begin();
  const seen: unknown[] = [];
  let held = 0;
  let hasEnded = false;
  for (let step = 0; !hasEnded || seen.length < count; step++) {
    assert.ok(step < 100_000, `seed ${seed}: the stream stands still after ${seen.length} items`);
    const action = random(5);
    if (action === 0) {
      await jobs();
      const due = programs;
      programs = [];
      for (const program of due) program.beforeFlush();
    } else if (action === 1 && wire.length > 0) {
      const { type, payload, waiter } = wire.shift()!;
      waiter.accepted();
      reader.begin(payload, 2);
      reader.uint();
      const sequence = reader.uint();
      const bytes = payload.length - reader.at;
      const came = type === ITEMS ? (decodeCbor(payload.subarray(reader.at)) as unknown[]) : [];
      const fault = type === ITEMS ? into.arrived(sequence, came, bytes) : into.ended(sequence);
      assert.equal(fault, undefined, `seed ${seed}: ${fault?.message}`);
      held += came.length;
      hasEnded ||= type !== ITEMS;
    } else if (action === 2 && credits.length > 0) out.granted(credits.shift()!);
    else if (action === 3) {
      released += random(4);
      open?.();
    } else if (action === 4 && held > 0) {
      held--;
      seen.push((await into.next()).value);
    }
  }
  assert.deepEqual(seen, items);
  await pumped;
}

test('[proc-flow-3] no course of writing, reading and credit makes one end refuse what the other may send', async () => {
  const first = Number(process.env.SEED ?? 1);
  for (let seed = first; seed < first + 60; seed++) await course(seed);
});
