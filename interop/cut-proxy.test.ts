/** The relay between plain sockets: what it does to connections is what the tests with domus rely on. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { CutProxy, type Place } from './cut-proxy.ts';
import { freePort } from './free-port.ts';
import { until } from './until.ts';

/** A connection through a relay: the dialler's end and the listener's. */
interface Link {
  readonly near: Socket;
  readonly far: Socket;
}

for (const kind of ['tcp', 'unix'] as const) {
  test(`bytes and ends pass a relay over ${kind}, either way by itself`, async (t) => {
    const { proxy, dial } = await relay(t, kind);
    const { near, far } = await dial();
    near.end('ping');
    assert.equal(await textUntilEnd(far), 'ping');
    far.end('a longer answer');
    assert.equal(await textUntilEnd(near), 'a longer answer');
    assert.deepEqual([proxy.passedBytes('in'), proxy.passedBytes('out'), proxy.accepted], [4, 15, 1]);
  });

  test(`a cut over ${kind} ends present connections and no later ones`, async (t) => {
    const { proxy, dial } = await relay(t, kind);
    const { near, far } = await dial();
    far.write('up');
    await nextText(near);
    const ends = [closed(near), closed(far)];
    proxy.cut();
    const expected = kind === 'tcp' ? ['ECONNRESET', 'ECONNRESET'] : [undefined, undefined];
    assert.deepEqual(await Promise.all(ends), expected);
    assert.equal(proxy.connections, 0);
    const later = await dial();
    later.near.end('x');
    assert.equal(await textUntilEnd(later.far), 'x');
  });

  test(`a cut after some bytes over ${kind} lets exactly those pass`, async (t) => {
    const { proxy, dial } = await relay(t, kind);
    const { near, far } = await dial();
    proxy.cutAfter('in', 6);
    const received = textUntilClose(far);
    near.write('four');
    near.write('more');
    assert.equal(await received, 'fourmo');
    assert.equal(proxy.passedBytes('in'), 6);
  });

  test(`a stalled relay over ${kind} keeps all bytes until it is resumed`, async (t) => {
    const { proxy, dial } = await relay(t, kind);
    const { near, far } = await dial();
    proxy.stall('in');
    near.write('late');
    far.write('on time');
    assert.equal(await nextText(near), 'on time');
    assert.equal(proxy.passedBytes('in'), 0);
    proxy.resume('in');
    assert.equal(await nextText(far), 'late');
  });

  test(`in a black hole over ${kind} neither side hears of the other's end`, async (t) => {
    const { proxy, dial } = await relay(t, kind);
    const { near, far } = await dial();
    far.resume();
    proxy.blackHole();
    near.write('lost');
    near.destroy();
    await closed(near);
    far.write('lost too');
    far.end();
    // A connection that was made after all this works: so the relay has seen the ends above.
    const later = await dial();
    later.near.end('x');
    assert.equal(await textUntilEnd(later.far), 'x');
    assert.deepEqual([far.readableEnded, far.closed, proxy.connections], [false, false, 2]);
    const end = closed(far);
    proxy.cut();
    await end;
  });

  test(`a half-closed relay over ${kind} ends one direction`, async (t) => {
    const { proxy, dial } = await relay(t, kind);
    const { near, far } = await dial();
    proxy.halfClose('out');
    assert.equal(await textUntilEnd(near), '');
    near.write('still heard');
    assert.equal(await nextText(far), 'still heard');
  });

  test(`a cut over ${kind} ends a connection that is being ended`, async (t) => {
    const { proxy, dial } = await relay(t, kind);
    const { near, far } = await dial();
    near.write('up');
    await nextText(far);
    proxy.halfClose('in');
    // Now the system has been asked for the end, and has not said yet that it is done.
    await new Promise(process.nextTick);
    proxy.cut();
    await Promise.all([closed(near), closed(far)]);
    await until('the relay has closed both', () => proxy.connections === 0);
  });

  test(`a relay over ${kind} refuses connections until it admits them again`, async (t) => {
    const { proxy, place, dial } = await relay(t, kind);
    proxy.refuse();
    await closed(connect(place));
    assert.equal(proxy.accepted, 0);
    proxy.admit();
    const { near, far } = await dial();
    near.end('x');
    assert.equal(await textUntilEnd(far), 'x');
    assert.equal(proxy.accepted, 1);
  });
}

test('a Unix socket has its name back when its relay is closed', async (t) => {
  const { proxy, place, dial } = await relay(t, 'unix');
  const path = 'path' in place ? place.path : '';
  assert.equal(existsSync(`${path}.behind`), true);
  await proxy.close();
  await proxy.close();
  assert.equal(existsSync(`${path}.behind`), false);
  const { near, far } = await dial();
  near.end('x');
  assert.equal(await textUntilEnd(far), 'x', 'the listener was not disturbed');
});

/** A relay in front of a server, and what dials that through it. */
async function relay(
  t: TestContext,
  kind: 'tcp' | 'unix',
): Promise<{ proxy: CutProxy; place: Place; dial: () => Promise<Link> }> {
  const server = createServer({ allowHalfOpen: true });
  const folder = await mkdtemp(join(tmpdir(), 'flaminia-'));
  const [front, back] = await placesOf(kind, folder);
  await once(server.listen(back), 'listening');
  const proxy = 'path' in front ? await CutProxy.interpose(front.path) : await CutProxy.open(front, back);
  const sockets: Socket[] = [];
  t.after(async () => {
    for (const socket of sockets) socket.destroy();
    await proxy.close();
    server.close();
    await rm(folder, { recursive: true });
  });
  const dial = async (): Promise<Link> => {
    const near = connect({ ...front, allowHalfOpen: true });
    const [far] = (await once(server, 'connection')) as [Socket];
    sockets.push(near, far);
    for (const socket of [near, far]) socket.on('error', () => {});
    return { near, far };
  };
  return { proxy, place: front, dial };
}

async function placesOf(kind: 'tcp' | 'unix', folder: string): Promise<[Place, Place]> {
  if (kind === 'unix') {
    const path = join(folder, 'a.sock');
    return [{ path }, { path }];
  }
  const host = '127.0.0.1';
  return [
    { host, port: await freePort() },
    { host, port: await freePort() },
  ];
}

/** The error code with which a socket ends; undefined for an orderly end. */
async function closed(socket: Socket): Promise<string | undefined> {
  let code: string | undefined;
  socket.on('error', (error: NodeJS.ErrnoException) => {
    code = error.code;
  });
  socket.resume();
  // A half-open socket closes when both directions have ended.
  socket.on('end', () => socket.end());
  if (!socket.closed) await new Promise((resolve) => socket.once('close', resolve));
  return code;
}

async function nextText(socket: Socket): Promise<string> {
  const [chunk] = await once(socket, 'data');
  return String(chunk);
}

async function textUntilEnd(socket: Socket): Promise<string> {
  let text = '';
  for await (const chunk of socket.iterator({ destroyOnReturn: false })) text += String(chunk);
  return text;
}

async function textUntilClose(socket: Socket): Promise<string> {
  let text = '';
  socket.on('data', (chunk) => {
    text += String(chunk);
  });
  await closed(socket);
  return text;
}
