/** The path of a Unix socket in the hands of another: an impostor at it, a link, and no file at all. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { lstat, rename, rm, symlink } from 'node:fs/promises';
import { createServer, type Socket } from 'node:net';
import { test } from 'node:test';
import { parseAddress } from '@flaminia/transport-a0';
import type { DomusConfig } from '../src/config.ts';
import type { Domus } from '../src/domus.ts';
import { Numbers } from './memory-bench.ts';
import { SocketImperium, unreachedFailure } from './socket-imperium.ts';

const QUICK = { reconnectBackoff: [20] };
/** Towards somebody who says nothing, time is all that ends a handshake. */
const IMPATIENT = { ...QUICK, socketHandshakeTimeout: 200, socketCallbackTimeout: 200 };

interface Scene {
  readonly worker: Domus;
  /** Connected before the attack, and a domus that comes after it. */
  readonly friend: Domus;
  readonly late: Domus;
  readonly path: string;
}

async function scene(sockets: SocketImperium, config: Partial<DomusConfig> = QUICK): Promise<Scene> {
  const [worker, friend] = [await sockets.open(), await sockets.open()];
  const late = await sockets.open({ config });
  await worker.serve(Numbers, () => {});
  await friend.send(Numbers, 0, { to: worker.address });
  const place = parseAddress(worker.address);
  if (place.kind !== 'unix') throw new Error('a Unix-socket imperium');
  return { worker, friend, late, path: place.path };
}

/** While the path is bad, a new peer fails with a reason and the old one goes on; once it is good again, all is well. */
async function assertWithstood(
  { worker, friend, late }: Scene,
  reason: RegExp,
  mend: () => Promise<void>,
): Promise<void> {
  const error = await unreachedFailure(late, () => late.send(Numbers, 1, { to: worker.address }));
  assert.deepEqual([error.kind, error.delivery], ['send-timeout', 'not-sent']);
  assert.match(String(error.cause), reason);
  await friend.send(Numbers, 2, { to: worker.address });
  await mend();
  await late.send(Numbers, 3, { to: worker.address });
  assert.equal(worker.reporting.snapshot().protocolViolations, 0);
}

/** Listens at a path, answers with `says`, and knows no key. */
async function impostor(path: string, says: Buffer | undefined): Promise<{ close(): Promise<void>; heard(): number }> {
  const sockets: Socket[] = [];
  let heard = 0;
  const server = createServer((socket) => {
    sockets.push(socket);
    socket.on('error', () => {});
    socket.on('data', (chunk: Buffer) => {
      heard += chunk.length;
      socket.write(says ?? chunk);
    });
  }).listen(path);
  await once(server, 'listening');
  return {
    heard: () => heard,
    close: async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

for (const [name, says, reason, config] of [
  ['sends back what it hears', undefined, /protocol-violation/, QUICK],
  ['answers with noise', Buffer.alloc(4_096, 0x2a), /protocol-violation/, QUICK],
  ['says nothing', Buffer.alloc(0), /timeout/, IMPATIENT],
] as const) {
  test(`[a0-unix-14] [a1-send-8] an impostor at the path that ${name} gets a handshake and no message`, async (t) => {
    const sockets = new SocketImperium(t, 'unix');
    const one = await scene(sockets, config);
    const aside = `${one.path}.aside`;
    await rename(one.path, aside);
    const server = await impostor(one.path, says);
    await assertWithstood(one, reason, async () => {
      assert.ok(server.heard() > 0, 'it was dialled');
      await server.close();
      await rename(aside, one.path);
    });
  });
}

test('[a0-unix-7] a link in place of the socket is not followed, wherever it leads', async (t) => {
  const sockets = new SocketImperium(t, 'unix');
  const one = await scene(sockets);
  const aside = `${one.path}.aside`;
  await rename(one.path, aside);
  await symlink(aside, one.path);
  await assertWithstood(one, /canonical|leads elsewhere/, async () => {
    await rm(one.path);
    await rename(aside, one.path);
  });
});

test('[a1-send-8] a socket file that is gone: new peers are told, old ones go on, and nobody restarts once it is back', async (t) => {
  const sockets = new SocketImperium(t, 'unix');
  const one = await scene(sockets);
  const aside = `${one.path}.aside`;
  await rename(one.path, aside);
  await assertWithstood(one, /no such socket/, () => rename(aside, one.path));
  await one.worker.shutdown();
  await assert.rejects(lstat(one.path), { code: 'ENOENT' }, 'and the domus takes its own file away');
});
