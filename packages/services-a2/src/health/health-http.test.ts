import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type IncomingMessage, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { ManualClock } from '../../test/manual-clock.ts';
import { HealthBoard } from './health-board.ts';

interface Answer {
  readonly code: number | undefined;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

async function serving(t: { after(done: () => unknown): void }) {
  const clock = new ManualClock();
  const board = new HealthBoard({ clock, wallClock: () => clock.now() });
  const server = createServer(board.httpHandler()).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    board.close();
    return new Promise((resolve) => server.close(resolve));
  });
  const { port } = server.address() as AddressInfo;
  const ask = async (path: string, method = 'GET'): Promise<Answer> => {
    const sent = request({ host: '127.0.0.1', port, path, method, agent: false }).end();
    const [response] = (await once(sent, 'response')) as [IncomingMessage];
    let body = '';
    for await (const chunk of response) body += chunk;
    return { code: response.statusCode, headers: response.headers, body };
  };
  return { clock, board, ask };
}

test('/livez is 200 while the process runs, /readyz only while healthy, and 503 once draining', async (t) => {
  const { clock, board, ask } = await serving(t);
  const codes = async () => [(await ask('/livez')).code, (await ask('/readyz')).code];
  assert.deepEqual(await codes(), [200, 503]);
  board.add('db', () => true);
  await clock.advance(1_000);
  assert.deepEqual(await codes(), [200, 200]);
  const { body, headers } = await ask('/readyz?verbose');
  assert.deepEqual(JSON.parse(body), board.status());
  assert.deepEqual(
    [headers['cache-control'], headers['content-type']],
    ['no-store', 'application/json; charset=utf-8'],
  );
  board.set('unhealthy');
  assert.deepEqual(await codes(), [200, 503]);
  board.set('healthy');
  board.drain();
  assert.deepEqual(await codes(), [200, 503]);
  assert.equal(JSON.parse((await ask('/readyz')).body).state, 'draining');
});

test('HEAD has no body; other methods are 405, other paths 404; a whole URL is taken by its path', async (t) => {
  const { board, ask } = await serving(t);
  board.set('healthy');
  const head = await ask('/readyz', 'HEAD');
  assert.deepEqual([head.code, head.body, Number(head.headers['content-length']) > 0], [200, '', true]);
  for (const method of ['POST', 'PUT', 'DELETE', 'OPTIONS']) {
    const { code, headers } = await ask('/readyz', method);
    assert.deepEqual([code, headers.allow, headers['cache-control']], [405, 'GET, HEAD', 'no-store'], method);
  }
  for (const origin of ['http://node.example:8080', 'HTTPS://[::1]']) {
    assert.equal((await ask(`${origin}/readyz?verbose`)).code, 200, origin);
    assert.equal((await ask(`${origin}?/readyz`)).code, 404, origin);
  }
  for (const path of ['/', '/readyz/', '/livezz', '//livez', '/READYZ', '*']) {
    assert.equal((await ask(path)).code, 404, path);
  }
});
