/**
 * Files and folders that hold keys: nobody but their owner may read them, and nobody ever sees half of one.
 *
 * 1. A file is written under a temporary name, flushed to the disk, and renamed; a reader finds it whole or not at all.
 * 2. A folder is published by renaming it: the system refuses that where a filled folder has the name already, so the
 *    first one wins, without a lock that a crashed process could leave behind.
 * 3. Temporary names begin with `tmp-`. What a crashed process leaves under one is never read, and swept later.
 * 4. A file with a key that others could have read is refused, since tightening its mode would not undo that.
 */
import { randomUUID } from 'node:crypto';
import { constants, type Stats } from 'node:fs';
import { chmod, lstat, mkdir, mkdtemp, open, readdir, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { DomusError } from '@flaminia/transport-a0';
import { hasCode } from './node-errors.ts';

const FOLDER_MODE = 0o700;
const FILE_MODE = 0o600;
const OTHERS_WRITE = 0o022;
const OTHERS_ANYTHING = 0o077;
const TEMPORARY_PREFIX = 'tmp-';
const TEMPORARY_MAX_AGE_MS = 3_600_000;

/**
 * Makes the folder, or checks the one that is there: a real folder of this user. One that others may write to is
 * refused (they may have put files there); one that they may only read is closed to them (the files inside have a
 * mode of their own).
 */
export async function openPrivateFolder(path: string): Promise<void> {
  await mkdir(path, { recursive: true, mode: FOLDER_MODE });
  const found = await lstat(path);
  if (!found.isDirectory()) throw refused(path, 'is not a folder');
  checkOwner(path, found);
  if (!hasModes()) return;
  if ((found.mode & OTHERS_WRITE) !== 0) {
    throw refused(
      path,
      `may be written by others (mode ${octal(found)}), who may have put their files there: delete it`,
    );
  }
  if ((found.mode & OTHERS_ANYTHING) !== 0) await chmod(path, FOLDER_MODE);
}

/** The text of a private file, or undefined if there is none. */
export async function readPrivateFile(path: string): Promise<string | undefined> {
  let file: Awaited<ReturnType<typeof open>>;
  try {
    file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW);
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return undefined;
    if (hasCode(error, 'ELOOP')) throw refused(path, 'is a symbolic link');
    throw error;
  }
  try {
    const found = await file.stat();
    if (!found.isFile()) throw refused(path, 'is not a file');
    checkOwner(path, found);
    if (hasModes() && (found.mode & OTHERS_ANYTHING) !== 0) {
      throw refused(path, `may have been read by others (mode ${octal(found)}, not 600): delete it`);
    }
    return await file.readFile('utf8');
  } finally {
    await file.close();
  }
}

/** Writes a private file whole, in place of one that may be there (invariant 1). */
export async function replacePrivateFile(path: string, text: string): Promise<void> {
  const temporary = join(dirname(path), `${TEMPORARY_PREFIX}${randomUUID()}`);
  try {
    await writeAndFlush(temporary, text);
    await rename(temporary, path);
    await flushFolder(dirname(path));
  } finally {
    await rm(temporary, { force: true });
  }
}

/**
 * Publishes a folder with these files (name to text) at `path`, unless a filled folder is there already (invariant 2).
 * Either way there is one afterwards; the caller reads what it holds.
 */
export async function publishPrivateFolder(path: string, files: Readonly<Record<string, string>>): Promise<void> {
  const parent = dirname(path);
  const temporary = await mkdtemp(join(parent, TEMPORARY_PREFIX));
  try {
    for (const [name, text] of Object.entries(files)) await writeAndFlush(join(temporary, name), text);
    await flushFolder(temporary);
    await rename(temporary, path);
    await flushFolder(parent);
  } catch (error) {
    await rm(temporary, { recursive: true, force: true });
    if (!(await exists(path))) throw error;
  }
}

/** Removes what nothing has written to for `maxAgeMs`, and temporary entries after an hour (invariant 3). */
export async function sweepFolder(folder: string, maxAgeMs: number, now: number): Promise<void> {
  for (const name of await readdir(folder)) {
    const path = join(folder, name);
    const found = await lstat(path).catch(() => undefined);
    const limitMs = name.startsWith(TEMPORARY_PREFIX) ? TEMPORARY_MAX_AGE_MS : maxAgeMs;
    if (found !== undefined && now - found.mtimeMs > limitMs) await rm(path, { recursive: true, force: true });
  }
}

async function writeAndFlush(path: string, text: string): Promise<void> {
  const file = await open(path, 'wx', FILE_MODE);
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
}

/** Makes a rename durable. Windows has no such thing as an open folder. */
async function flushFolder(path: string): Promise<void> {
  if (process.platform === 'win32') return;
  const folder = await open(path, constants.O_RDONLY);
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}

function checkOwner(path: string, found: Stats): void {
  const user = process.getuid?.();
  if (user !== undefined && found.uid !== user) {
    throw refused(path, `belongs to user ${found.uid}, not to user ${user} whom this process runs as`);
  }
}

function hasModes(): boolean {
  return process.getuid !== undefined;
}

function octal(found: Stats): string {
  return (found.mode & 0o777).toString(8);
}

function refused(path: string, reason: string): DomusError {
  return new DomusError('invalid-config', `${path} ${reason}`, { detail: 'directory' });
}
