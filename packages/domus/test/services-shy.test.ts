/** What throws as soon as it is looked at: a program's handlers and streams may give or throw such a thing. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bidiStream, type ProcedureError, serverStream, service, unary } from '../src/services.ts';
import { inProcessClient } from '../src/testing.ts';

const Echo = service('echo', 'v1', {
  say: unary<string, string>(),
  count: serverStream<string, number>(),
  both: bidiStream<string, string>(),
});

function shy(): never {
  const deny = (): never => {
    throw new Error('looked at');
  };
  return new Proxy({}, { get: deny, getPrototypeOf: deny }) as never;
}

const ways: Readonly<Record<string, () => unknown>> = {
  throws: () => {
    throw shy();
  },
  rejects: () => Promise.reject(shy()),
  gives: shy,
  promises: async () => ({ it: shy() }),
  says: () => 'said',
};

/** The code that a call fails with. */
async function codeOf(call: Promise<unknown>): Promise<string> {
  return call.then(
    () => 'answered',
    (error: ProcedureError) => error.code,
  );
}

async function readAll(items: AsyncIterable<unknown>): Promise<void> {
  for await (const _item of items);
}

test('[case-88] what throws when it is looked at ends its own call, wherever a program gives or throws it', async () => {
  const handlers = {
    say: (way: string) => ways[way]!() as string,
    count: (way: string) => ways[way]!() as AsyncIterable<number>,
    both: (texts: AsyncIterable<string>) => texts,
  };
  const client = inProcessClient(Echo, handlers, { caller: { nodeId: 'x' }, concurrency: 1 });
  for (const way of ['throws', 'rejects', 'gives', 'promises'])
    assert.equal(await codeOf(client.say(way)), 'internal', way);
  for (const way of ['throws', 'gives']) assert.equal(await codeOf(readAll(client.count(way))), 'internal', way);
  const inputs = (async function* () {
    yield 'one';
    throw shy();
  })();
  assert.equal(await codeOf(readAll(client.both(inputs))), 'cancelled');
  // Its only place is free each time.
  assert.equal(await client.say('says'), 'said');
});
