/**
 * The file of a listening Unix socket (a0-transport, Unix-socket handshake): putting a listener at a path, and taking
 * its file away again.
 *
 * The socket is bound in a folder that only this user may enter, gets its mode there, and is then linked to its path.
 * Linking is atomic and never replaces anything, so:
 * 1. The socket is never open to more users than its mode says. The file mode mask of the process, which all threads
 *    share, is not touched.
 * 2. A file that is not a socket, and the file of a live listener, are left alone: `bind-failed`.
 * 3. A stale file is removed only after a connection to it was refused, by one process at a time.
 * 4. On removal the file goes only if it is still the one that was put there. Node itself would remove whatever lies
 *    at the path that was bound; here that path is gone by then.
 */
import type { Stats } from 'node:fs';
import { chmod, link, lstat, mkdir, mkdtemp, open, rename, rm, rmdir, unlink } from 'node:fs/promises';
import { createConnection, type Server } from 'node:net';
import { basename, dirname, join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { ACCEPT_BACKLOG } from './admission.ts';
import { DomusError } from './domus-error.ts';
import { bindFailure } from './node-errors.ts';
import { fitsSocketAddress } from './unix-path.ts';

/** The file of a listener that stands. */
export interface SocketFile {
  /** Removes the file if it is still ours. Never rejects: a file left behind is stale, and the next listener removes it. */
  remove(): Promise<void>;
}

/** How the names of the folders begin in which sockets are bound; six random characters follow. */
const PRIVATE_FOLDER = '.~';

/**
 * Makes `server` listen at `path`, which must be canonical and fit a socket address. Rejects with `bind-failed`; the
 * server is closed then.
 */
export async function listenAtFile(server: Server, path: string, mode: number): Promise<SocketFile> {
  let folder: string | undefined;
  try {
    folder = await mkdtemp(join(dirname(path), PRIVATE_FOLDER));
    const hidden = await bind(server, folder);
    await chmod(hidden, mode);
    const own = await lstat(hidden);
    await publish(hidden, path, folder);
    return { remove: () => removeOwn(path, own) };
  } catch (error) {
    server.close();
    throw DomusError.is(error) ? error : bindFailure(error as Error, path);
  } finally {
    if (folder !== undefined) await rm(folder, { recursive: true, force: true });
  }
}

/**
 * Binds in `folder` and tells where; if that is too long for a socket address, by way of the open folder, which Linux
 * allows. The name is random then: on close Node removes what lies at the path that it bound, and the number of the open
 * folder may mean another by that time.
 */
async function bind(server: Server, folder: string): Promise<string> {
  const hidden = join(folder, 's');
  if (fitsSocketAddress(hidden)) {
    await listenAt(server, hidden);
    return hidden;
  }
  if (process.platform !== 'linux') throw Object.assign(new Error('the path is too long'), { code: 'ENAMETOOLONG' });
  const name = basename(folder);
  const opened = await open(folder, 'r');
  try {
    await listenAt(server, `/proc/self/fd/${opened.fd}/${name}`);
  } finally {
    await opened.close();
  }
  return join(folder, name);
}

function listenAt(server: Server, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    // A domus is one process: workers of a cluster must not share its socket.
    server.listen({ path, exclusive: true, backlog: ACCEPT_BACKLOG }, () => {
      server.off('error', reject);
      resolve();
    });
  });
}

/** Whoever clears a path takes milliseconds; one that has taken so long is dead. */
const LOCK_LIMIT_MS = 10_000;

/** How often we try to have a path that others clear or take, and how long we wait for them: longer than for one that is dead. */
const PUBLISH_TRIES = 600;
const RETRY_AFTER_MS = 20;

async function publish(hidden: string, path: string, folder: string): Promise<void> {
  for (let tries = 0; tries < PUBLISH_TRIES; tries++) {
    try {
      await link(hidden, path);
      return;
    } catch (error) {
      if (codeOf(error) !== 'EEXIST') throw error;
    }
    const isStale = await probeStale(path);
    if (isStale && !(await clearStale(path, folder))) await setTimeout(RETRY_AFTER_MS);
  }
  throw inUse(path, 'others come and go there', 'EADDRINUSE');
}

/** False where nothing is left at the path; rejects with `bind-failed` where there is something that must stay. */
async function probeStale(path: string): Promise<boolean> {
  try {
    if (!(await lstat(path)).isSocket()) throw inUse(path, 'there is a file that is not a socket', 'EEXIST');
    if (!(await isRefused(path))) throw inUse(path, 'another process listens there', 'EADDRINUSE');
    return true;
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return false;
    throw error;
  }
}

/**
 * Takes a stale file away, under a lock: another that has found the same file would take away the listener which has come in its
 * place meanwhile. False where somebody else has the lock.
 */
async function clearStale(path: string, folder: string): Promise<boolean> {
  const isCleared = await locked(path, async () => {
    if (await probeStale(path)) await unlink(path);
  });
  if (!isCleared) await breakDeadLock(lockOf(path), folder);
  return isCleared;
}

/** A file is taken away from a path by whoever has its lock, and put there without. */
function lockOf(path: string): string {
  return join(dirname(path), `${PRIVATE_FOLDER}lock-${basename(path)}`);
}

/** Runs `work` under the lock of a path; false where somebody else has it. */
async function locked(path: string, work: () => Promise<void>): Promise<boolean> {
  const lock = lockOf(path);
  try {
    await mkdir(lock);
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false;
    throw error;
  }
  try {
    await work();
    return true;
  } finally {
    await rmdir(lock).catch(() => {});
  }
}

/** Only one can move a lock aside; it is taken anew then. */
async function breakDeadLock(lock: string, folder: string): Promise<void> {
  const found = await lstat(lock).catch(() => undefined);
  if (found === undefined || Date.now() - found.mtimeMs <= LOCK_LIMIT_MS) return;
  await rename(lock, join(folder, 'dead-lock')).catch(() => {});
}

/** Whether nobody listens at a socket file. Only a refusal proves it: a listener that is too busy answers otherwise. */
function isRefused(path: string): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const probe = createConnection({ path });
    probe.once('connect', () => {
      probe.destroy();
      resolve(false);
    });
    probe.once('error', (error) => {
      if (codeOf(error) === 'ENOENT') reject(error);
      else resolve(codeOf(error) === 'ECONNREFUSED');
    });
  });
}

async function removeOwn(path: string, own: Stats): Promise<void> {
  try {
    await locked(path, async () => {
      if (isSameFile(own, await lstat(path))) await unlink(path);
    });
  } catch {
    // Gone already, or no longer ours to remove.
  }
}

function isSameFile(a: Stats, b: Stats): boolean {
  return a.dev === b.dev && a.ino === b.ino;
}

function inUse(path: string, why: string, detail: string): DomusError {
  return new DomusError('bind-failed', `cannot listen at ${path}: ${why}`, { detail });
}

function codeOf(error: unknown): string | undefined {
  return (error as NodeJS.ErrnoException).code;
}
