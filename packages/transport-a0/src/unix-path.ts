/** Paths of sockets against this machine: what fits a socket address, and what the file system calls a path. */
import { realpath } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';

/** Most bytes of a path in a socket address of this system, whose field also holds a NUL. */
export const SOCKET_PATH_MAX_BYTES: number = process.platform === 'linux' ? 107 : 103;

/** Whether a socket can be bound or dialled at this path. Node 20 would cut a longer one without a word. */
export function fitsSocketAddress(path: string): boolean {
  return Buffer.byteLength(path) <= SOCKET_PATH_MAX_BYTES;
}

/**
 * What the file system calls this path: the real path of the file, or of its directory while there is no such file. A
 * path is canonical if this is the path itself (a0-transport, Unix-socket handshake). Rejects with errors of Node.
 */
export async function realSocketPath(path: string): Promise<string> {
  try {
    return await realpath(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    return join(await realpath(dirname(path)), basename(path));
  }
}
