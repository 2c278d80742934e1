/** The leak check itself: what it finds, what it lets pass, and in what order it works. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { type TestContext, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { activeResources, expectNoMoreThan, withLeakCheck } from './leak-check.ts';

test('a timer, a listener and a socket are found by name, and missed no more once they are closed', async () => {
  const before = activeResources();
  const timer = setTimeout(() => {}, 60_000);
  const server = createServer((socket) => socket.resume()).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  const socket = connect(port, '127.0.0.1');
  await once(socket, 'connect');
  const found = /^the test leaves behind: (?=.*1 Timeout)(?=.*1 TCPServerWrap)(?=.*[12] TCPSocketWrap)/;
  await assert.rejects(expectNoMoreThan(before, 0), ({ message }: Error) => found.test(message));
  clearTimeout(timer);
  socket.destroy();
  server.close();
  await expectNoMoreThan(before);
});

test('what was there before is no leak, and what goes by itself is waited for', async () => {
  const shared = setTimeout(() => {}, 60_000);
  const before = activeResources();
  const going = delay(1);
  await expectNoMoreThan(before);
  await going;
  clearTimeout(shared);
});

test('a checked body is undone newest first, then checked', async (t) => {
  const steps: string[] = [];
  let timer: NodeJS.Timeout | undefined;
  await withLeakCheck((cleanup) => {
    cleanup.defer(() => steps.push('first'));
    cleanup.defer(async () => {
      await delay(0);
      steps.push('second');
      clearTimeout(timer);
    });
    timer = setTimeout(() => {}, 60_000);
  })(t);
  assert.deepEqual(steps, ['second', 'first']);
});

test('a body that fails is undone too, and its own error is told', async (t: TestContext) => {
  const steps: string[] = [];
  const failing = withLeakCheck(async (cleanup) => {
    cleanup.defer(() => steps.push('undone'));
    throw new Error('the body failed');
  });
  await assert.rejects(failing(t), { message: 'the body failed' });
  assert.deepEqual(steps, ['undone']);
});
