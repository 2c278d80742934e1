/**
 * The file of a listening Unix socket (a0-transport, Unix-socket handshake): putting a listener at a path, and taking
 * its file away again.
 *
 * The socket is bound in a folder that only this user may enter, gets its mode there, and is then linked to its path.
 * Linking is atomic and never replaces anything, so:
 * 1. The socket is never open to more users than its mode says. The file mode mask of the process, which all threads
 *    share, is not touched.
 * 2. A file that is not a socket, and the file of a live listener, are left alone: `bind-failed`.
 * 3. A stale file is removed only after a connection to it was refused, and only if it is still the same file.
 * 4. On removal the file goes only if it is still the one that was put there. Node itself would remove whatever lies
 *    at the path that was bound; here that path is gone by then.
 */
import type { Stats } from 'node:fs';
import { chmod, link, lstat, mkdtemp, open, rename, rm, unlink } from 'node:fs/promises';
import { createConnection, type Server } from 'node:net';
import { basename, dirname, join } from 'node:path';
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
    server.listen({ path, exclusive: true }, () => {
      server.off('error', reject);
      resolve();
    });
  });
}

/** How often a path may change under our hands before we give up. */
const PUBLISH_TRIES = 5;

async function publish(hidden: string, path: string, folder: string): Promise<void> {
  for (let tries = 0; tries < PUBLISH_TRIES; tries++) {
    try {
      await link(hidden, path);
      return;
    } catch (error) {
      if (codeOf(error) !== 'EEXIST') throw error;
    }
    await clearStale(path, join(folder, `stale-${tries}`));
  }
  throw inUse(path, 'others come and go there', 'EADDRINUSE');
}

/**
 * Takes a stale file away; does nothing where none is left. The file is moved aside first and looked at again, as
 * another process may have put its listener there since the probe: that one is put back.
 */
async function clearStale(path: string, aside: string): Promise<void> {
  try {
    const found = await lstat(path);
    if (!found.isSocket()) throw inUse(path, 'there is a file that is not a socket', 'EEXIST');
    if (!(await isRefused(path))) throw inUse(path, 'another process listens there', 'EADDRINUSE');
    await rename(path, aside);
    if (!isSameFile(found, await lstat(aside))) await link(aside, path);
  } catch (error) {
    const code = codeOf(error);
    if (code !== 'ENOENT' && code !== 'EEXIST') throw error;
  }
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
    if (isSameFile(own, await lstat(path))) await unlink(path);
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
