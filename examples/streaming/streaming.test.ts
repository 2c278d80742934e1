// The pieces beside this file, at work on an imperium (fabric) in memory.
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ReadableStream } from 'node:stream/web';
import { type TestContext, test } from 'node:test';
import { type Domus, endpoint, json } from '@flaminia/domus';
import { memoryImperium } from '@flaminia/domus/testing';
import { nextText } from './by-hand.ts';
import { Files } from './files.ts';
import { sendLines } from './lines.ts';
import { trySend } from './outcome.ts';
import { sendWatched } from './progress.ts';
import { receiveFiles } from './receive.ts';
import { sendFile } from './send.ts';
import { sendBody } from './web.ts';

const Greetings = endpoint('greetings', json<string>());

/** Two connected domus, a file that takes many chunks, and a folder for copies. */
async function pair(t: TestContext): Promise<{ from: Domus; to: Domus; path: string; copies: string }> {
  const folder = mkdtempSync(join(tmpdir(), 'flaminia-streaming-'));
  const copies = join(folder, 'copies');
  mkdirSync(copies);
  const world = memoryImperium();
  const [from, to] = [await world.domus('from'), await world.domus('to')];
  await to.serve(Greetings, () => {});
  await from.send(Greetings, 'hello');
  await world.advance(20); // a first stream waits so long on a connection that is new
  t.after(async () => {
    await world.close();
    rmSync(folder, { recursive: true });
  });
  const path = join(folder, 'source.txt');
  writeFileSync(path, 'a line of a file\n'.repeat(1_000_000));
  return { from, to, path, copies };
}

test('a file arrives, and its progress is told', async (t) => {
  const { from, to, path, copies } = await pair(t);
  const receiving = await receiveFiles(to, copies);
  await sendFile(from, path);
  await receiving.close(); // all bytes have arrived; now they are written too
  const content = readFileSync(path);
  assert.ok(content.equals(readFileSync(join(copies, 'source.txt'))));
  await receiveFiles(to, copies);
  const told: number[] = [];
  await sendWatched(from, path, (arrived, bytes) => told.push(arrived / bytes));
  assert.equal(told.at(-1), 1);
  assert.deepEqual(
    told,
    [...told].sort((a, b) => a - b),
  );
});

test('a line that is flushed is there before the next one is written', async (t) => {
  const { from, to } = await pair(t);
  const arrived: string[] = [];
  let next: () => void = () => {};
  await to.serve(Files, async (_file, { blob }) => {
    for await (const piece of blob) {
      arrived.push(String(piece));
      next();
    }
  });
  async function* lines(): AsyncGenerator<string> {
    for (const line of ['one', 'two']) {
      const isThere = new Promise<void>((resolve) => {
        next = resolve;
      });
      yield line;
      await isThere;
    }
  }
  await sendLines(from, 'lines', lines());
  assert.deepEqual(arrived, ['one\n', 'two\n']);
});

test('a stream arrives, is refused, is given up at the far end, or by its own signal', async (t) => {
  const { from, to, path, copies } = await pair(t);
  const { signal } = new AbortController();
  const takes = await receiveFiles(to, copies);
  assert.equal(await trySend(from, path, signal), 'arrived');
  await takes.close();
  const refuses = await to.serve(Files, (_file, request) => void request.reject());
  assert.equal(await trySend(from, path, signal), 'refused');
  await refuses.close();
  const stops = await to.serve(Files, async (_file, { blob }) => {
    for await (const _ of blob) break;
  });
  assert.equal(await trySend(from, path, signal), 'given-up');
  await stops.close();
  const stop = new AbortController();
  await to.serve(Files, (_file, { blob }) =>
    blob.once('data', () => stop.abort(new Error('enough'))).on('error', () => {}),
  );
  await assert.rejects(trySend(from, path, stop.signal), /enough|aborted/);
});

test('an inbox that is read by hand takes what it wants', async (t) => {
  const { from, to, path } = await pair(t);
  const text = nextText(to);
  await assert.rejects(sendBody(from, 'picture', bodyOf('x')), { kind: 'remote-taberna-rejected' });
  await sendFile(from, path);
  assert.equal(await text, readFileSync(path, 'utf8'));
});

test('a body of the web is handed on', async (t) => {
  const { from, to } = await pair(t);
  let arrived = '';
  const receiving = await to.serve(Files, async (_file, { blob }) => {
    arrived = await new Response(blob.toWeb() as ReadableStream).text();
  });
  await sendBody(from, 'body', bodyOf('a body of the web'));
  await receiving.close();
  assert.equal(arrived, 'a body of the web');
});

function bodyOf(text: string): ReadableStream<Uint8Array> {
  return new Blob([text]).stream() as ReadableStream<Uint8Array>;
}
