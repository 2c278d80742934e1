/** The file of a Unix-socket listener: who may use it, what it replaces, and when it goes. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { lstatSync, readdirSync, type Stats } from 'node:fs';
import { link, lstat, mkdir, readdir, readFile, rename, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { afterEach, before, beforeEach, test } from 'node:test';
import type { IssuedCertificate } from '@flaminia/certificates/internal';
import { DomusError } from '../src/domus-error.ts';
import { SOCKET_PATH_MAX_BYTES } from '../src/unix-path.ts';
import { issueAuthority, until } from './tcp-imperium.ts';
import { UnixActor, UnixActorListener } from './unix-actor.ts';
import { issueUnixMaterial, UnixDomus, UnixImperium, untilUnixQuiet } from './unix-imperium.ts';

let authority: IssuedCertificate;
let imperium: UnixImperium;
const opened: { close(): void }[] = [];
let base: string[] = [];
let diallers = 0;

before(async () => {
  authority = await issueAuthority();
  base = process.getActiveResourcesInfo();
});
beforeEach(async () => {
  imperium = await UnixImperium.open(authority);
});
afterEach(async () => {
  for (const one of opened.splice(0)) one.close();
  await imperium.close();
  await untilUnixQuiet(base);
});

/** Leaves a socket file behind that nobody listens at. */
async function leaveStale(path: string): Promise<void> {
  const server = createServer().listen(`${path}~`);
  await once(server, 'listening');
  await link(`${path}~`, path);
  await closed(server);
}

async function closed(server: Server): Promise<void> {
  server.close();
  await once(server, 'close');
}

function bindFailed(detail: string): (error: unknown) => boolean {
  return (error) => {
    assert.ok(DomusError.is(error), String(error));
    assert.deepEqual({ kind: error.kind, detail: error.detail }, { kind: 'bind-failed', detail }, error.message);
    return true;
  };
}

/** Dials the domus from another one: its file leads to it. */
async function assertReachable(domus: UnixDomus): Promise<void> {
  const dialler = await imperium.listening(`dialler-${diallers++}`);
  const stream = await dialler.dial(domus.address);
  (await domus.nextAccepted()).destroy();
  stream.destroy();
}

function mode(file: Stats): number {
  return file.mode & 0o777;
}

for (const mask of [0o000, 0o022, 0o077, 0o177]) {
  const text = mask.toString(8).padStart(3, '0');
  test(`[a0-unix-19] under mask ${text} the file has mode 0600 from the first moment, or the one that was asked for`, async () => {
    const [plain, shared] = [await imperium.domus('plain'), await imperium.domus('shared', { fileMode: 0o660 })];
    const before = process.umask(mask);
    try {
      for (const [domus, wanted] of [
        [plain, 0o600],
        [shared, 0o660],
      ] as const) {
        const listening = domus.backend.listen();
        await until(() => lstatSync(domus.path, { throwIfNoEntry: false }) !== undefined);
        assert.equal(mode(lstatSync(domus.path)), wanted);
        await listening;
        assert.equal(mode(await lstat(domus.path)), wanted);
      }
      assert.equal(process.umask(), mask);
    } finally {
      process.umask(before);
    }
    assert.deepEqual((await readdir(imperium.folder)).sort(), ['plain', 'shared']);
  });
}

test('[a0-unix-19] the socket is bound in a folder that only this user may enter', async () => {
  const domus = await imperium.domus('a');
  const modes: number[] = [];
  let isOver = false;
  const listening = domus.backend.listen().finally(() => {
    isOver = true;
  });
  // Binding takes several turns of this very loop, so a look in each cannot miss the folder.
  while (!isOver) {
    for (const name of readdirSync(imperium.folder)) {
      const folder = lstatSync(imperium.pathOf(name), { throwIfNoEntry: false });
      if (name.startsWith('.~') && folder !== undefined) modes.push(mode(folder));
    }
    await new Promise(setImmediate);
  }
  await listening;
  assert.ok(modes.length > 0);
  assert.ok(
    modes.every((seen) => seen === 0o700),
    modes.join(),
  );
  assert.deepEqual(await readdir(imperium.folder), ['a']);
});

test('[a0-unix-18] a stale socket file is replaced', async () => {
  const path = imperium.pathOf('a');
  await leaveStale(path);
  const { ino } = await lstat(path);
  const domus = await imperium.listening('a');
  assert.notEqual((await lstat(path)).ino, ino);
  await assertReachable(domus);
});

test('[a0-unix-18] a live listener keeps its file, and the second domus may try again later', async () => {
  const first = await UnixActorListener.open(imperium.pathOf('a'));
  opened.push(first);
  const before = await lstat(first.path);
  const domus = await imperium.domus('a');
  await assert.rejects(domus.backend.listen(), bindFailed('EADDRINUSE'));
  assert.equal((await lstat(first.path)).ino, before.ino);
  const still = await UnixActor.connect(first.path);
  await first.next();
  await first.next();
  still.close();
  first.close();
  await domus.backend.listen();
  await assertReachable(domus);
});

test('[a0-unix-18] what is no socket is left alone', async () => {
  await writeFile(imperium.pathOf('file'), 'precious');
  await mkdir(imperium.pathOf('folder'));
  await symlink(imperium.pathOf('nowhere'), imperium.pathOf('link'));
  for (const name of ['file', 'folder', 'link']) {
    const domus = await imperium.domus(name);
    await assert.rejects(domus.backend.listen(), bindFailed('EEXIST'));
  }
  assert.equal(await readFile(imperium.pathOf('file'), 'utf8'), 'precious');
  assert.deepEqual((await readdir(imperium.folder)).sort(), ['file', 'folder', 'link']);
});

test('[a0-unix-7] an own path that leads elsewhere is refused', async () => {
  const target = await imperium.listening('target');
  await symlink(target.path, imperium.pathOf('link'));
  await mkdir(imperium.pathOf('folder'));
  await symlink(imperium.pathOf('folder'), imperium.pathOf('alias'));
  for (const name of ['link', 'alias/a']) {
    const domus = await imperium.domus(name);
    await assert.rejects(domus.backend.listen(), { kind: 'invalid-config', detail: 'address' });
  }
  await assertReachable(target);
});

test('a folder that is not there, or may not be written', async () => {
  const domus = await imperium.domus('none/a');
  await assert.rejects(domus.backend.listen(), bindFailed('ENOENT'));
  await writeFile(imperium.pathOf('file'), '');
  const below = await imperium.domus('file/a');
  await assert.rejects(below.backend.listen(), bindFailed('ENOTDIR'));
});

test('[a0-unix-6] a path as long as a socket address listens and is dialled; one byte more is refused', async () => {
  const room = SOCKET_PATH_MAX_BYTES - Buffer.byteLength(imperium.folder) - 1;
  const longFolder = 'f'.repeat(room - 2);
  await mkdir(imperium.pathOf(longFolder));
  for (const name of ['n'.repeat(room), `${longFolder}/n`]) {
    assert.equal(Buffer.byteLength(imperium.pathOf(name)), SOCKET_PATH_MAX_BYTES);
    if (process.platform !== 'linux' && name.includes('/')) continue; // No room for the folder in which it is bound.
    await assertReachable(await imperium.listening(name));
  }
  assert.deepEqual(await readdir(imperium.pathOf(longFolder)), ['n']);
  const path = imperium.pathOf('n'.repeat(room + 1));
  const material = await issueUnixMaterial(authority, path);
  assert.throws(() => new UnixDomus(path, material), {
    kind: 'invalid-config',
    message: new RegExp(`a path of at most ${SOCKET_PATH_MAX_BYTES} bytes`),
  });
});

test('[a0-unix-19] the file goes on close, but only if it is still ours', async () => {
  const gone = await imperium.listening('gone');
  await gone.close();
  assert.equal(lstatSync(gone.path, { throwIfNoEntry: false }), undefined);

  const replaced = await imperium.listening('replaced');
  await rename(replaced.path, imperium.pathOf('aside'));
  const other = await UnixActorListener.open(replaced.path);
  opened.push(other);
  await replaced.close();
  (await UnixActor.connect(other.path)).close();
  await other.next();

  const removed = await imperium.listening('removed');
  await rm(removed.path);
  await removed.close();
});

test('a backend listens once, and not after it was closed', async () => {
  const domus = await imperium.listening('a');
  await assert.rejects(domus.backend.listen(), { kind: 'invalid-state' });
  await domus.close();
  await assert.rejects(domus.backend.listen(), { kind: 'invalid-state' });
});

test('closing while the listener is being set up leaves nothing behind', async () => {
  const domus = await imperium.domus('a');
  const refused = assert.rejects(domus.backend.listen(), { kind: 'domus-closed' });
  await domus.close();
  await refused;
  assert.deepEqual(await readdir(imperium.folder), []);
});

test('[a0-unix-18] the lock of a process that died while it cleared a path holds nobody up for long', async () => {
  const path = imperium.pathOf('locked');
  await leaveStale(path);
  const lock = join(imperium.folder, '.~lock-locked');
  await mkdir(lock);
  const longAgo = new Date(Date.now() - 3_600_000);
  await utimes(lock, longAgo, longAgo);
  const domus = await imperium.listening('locked');
  await assertReachable(domus);
  await domus.close();
  assert.ok(!(await readdir(imperium.folder)).includes('.~lock-locked'));
});

test('[a0-unix-18] of several that find one stale file, exactly one listens there', async () => {
  for (let round = 0; round < 20; round++) {
    const name = `round-${round}`;
    await leaveStale(imperium.pathOf(name));
    const rivals = await Promise.all(Array.from({ length: 4 }, () => imperium.domus(name)));
    const outcomes = await Promise.allSettled(rivals.map((domus) => domus.backend.listen()));
    const winners = rivals.filter((_, index) => outcomes[index]?.status === 'fulfilled');
    assert.equal(winners.length, 1, JSON.stringify(outcomes));
    await assertReachable(winners[0]!);
    for (const outcome of outcomes) {
      if (outcome.status === 'rejected') assert.equal((outcome.reason as DomusError).kind, 'bind-failed');
    }
    for (const domus of rivals) await domus.close();
  }
  const left = await readdir(imperium.folder);
  assert.ok(left.every((name) => name.startsWith('dialler-')));
});
