import assert from 'node:assert/strict';
import { chmod, chown, mkdir, readdir, readFile, stat, symlink, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { DomusError } from '@flaminia/transport-a0';
import { scratchFolder } from '../test/scratch.ts';
import {
  openPrivateFolder,
  publishPrivateFolder,
  readPrivateFile,
  replacePrivateFile,
  sweepFolder,
} from './private-files.ts';

const skip = process.getuid === undefined ? 'this system has no file modes' : false;
const skipUnlessRoot = process.getuid?.() === 0 ? false : 'only root can give a file away';

async function mode(path: string): Promise<string> {
  return ((await stat(path)).mode & 0o777).toString(8);
}

function refusal(path: string, text: RegExp): (error: unknown) => boolean {
  return (error) =>
    DomusError.is(error) && error.kind === 'invalid-config' && error.message.includes(path) && text.test(error.message);
}

test('[api-51] folders are made for their owner alone, with those above them, whatever the umask', {
  skip,
}, async (t) => {
  const path = join(scratchFolder(t), 'a', 'b');
  const umask = process.umask(0);
  try {
    await openPrivateFolder(path);
  } finally {
    process.umask(umask);
  }
  assert.equal(await mode(path), '700');
  assert.equal(await mode(join(path, '..')), '700');
  await openPrivateFolder(path);
});

test('a folder that others may only look into is closed to them; one that they may write to is refused', {
  skip,
}, async (t) => {
  const path = scratchFolder(t);
  await chmod(path, 0o755);
  await openPrivateFolder(path);
  assert.equal(await mode(path), '700');
  for (const open of [0o770, 0o702, 0o777]) {
    await chmod(path, open);
    await assert.rejects(openPrivateFolder(path), refusal(path, new RegExp(`mode ${open.toString(8)}.*delete it`)));
    assert.equal(await mode(path), open.toString(8), 'left as it is');
  }
});

test('a symbolic link is neither a private folder nor a private file', { skip }, async (t) => {
  const folder = scratchFolder(t);
  await mkdir(join(folder, 'real'), { mode: 0o700 });
  await symlink(join(folder, 'real'), join(folder, 'link'));
  await assert.rejects(openPrivateFolder(join(folder, 'link')), refusal('link', /not a folder/));
  await writeFile(join(folder, 'file'), 'x', { mode: 0o600 });
  await symlink(join(folder, 'file'), join(folder, 'file-link'));
  await assert.rejects(readPrivateFile(join(folder, 'file-link')), refusal('file-link', /symbolic link/));
  await assert.rejects(readPrivateFile(join(folder, 'real')), refusal('real', /not a file/));
});

test('what belongs to another user is refused', { skip: skip || skipUnlessRoot }, async (t) => {
  const folder = scratchFolder(t);
  const path = join(folder, 'file');
  await writeFile(path, 'x', { mode: 0o600 });
  await chown(path, 1, 1);
  await assert.rejects(readPrivateFile(path), refusal(path, /belongs to user 1, not to user 0/));
  await chown(folder, 1, 1);
  await assert.rejects(openPrivateFolder(folder), refusal(folder, /belongs to user 1/));
});

test('(invariant 4) a file that others could have read is refused, and left as it is', { skip }, async (t) => {
  const path = join(scratchFolder(t), 'key.pem');
  await writeFile(path, 'secret');
  for (const open of [0o640, 0o604, 0o620, 0o644]) {
    await chmod(path, open);
    await assert.rejects(readPrivateFile(path), refusal(path, new RegExp(`mode ${open.toString(8)}, not 600`)));
  }
  assert.equal(await mode(path), '644');
});

test('[api-51] a file is written for its owner alone, replaces the one before, and leaves nothing else behind', async (t) => {
  const folder = scratchFolder(t);
  const path = join(folder, 'file');
  assert.equal(await readPrivateFile(path), undefined);
  await replacePrivateFile(path, 'one');
  await replacePrivateFile(path, 'two');
  assert.equal(await readPrivateFile(path), 'two');
  if (skip === false) assert.equal(await mode(path), '600');
  assert.deepEqual(await readdir(folder), ['file']);
});

test('a write that fails leaves the old file and no temporary one', async (t) => {
  const folder = scratchFolder(t);
  const path = join(folder, 'taken');
  await mkdir(path);
  await writeFile(join(path, 'inside'), '');
  await assert.rejects(replacePrivateFile(path, 'text'));
  assert.deepEqual(await readdir(folder), ['taken']);
});

test('(invariant 2) of many who publish one folder, the first wins whole, and the others leave nothing', async (t) => {
  const folder = scratchFolder(t);
  const path = join(folder, 'published');
  const publish = (name: string): Promise<void> => publishPrivateFolder(path, { a: name, b: name });
  await Promise.all(Array.from({ length: 20 }, (_, index) => publish(`writer ${index}`)));
  const winner = await readFile(join(path, 'a'), 'utf8');
  assert.match(winner, /^writer \d+$/);
  assert.equal(await readFile(join(path, 'b'), 'utf8'), winner);
  assert.deepEqual(await readdir(folder), ['published']);
  await publish('latecomer');
  assert.equal(await readFile(join(path, 'a'), 'utf8'), winner);
  if (skip === false) assert.deepEqual([await mode(path), await mode(join(path, 'a'))], ['700', '600']);
});

test('publishing where no folder can be made fails, and does not pretend', async (t) => {
  const missing = join(scratchFolder(t), 'missing');
  await assert.rejects(publishPrivateFolder(join(missing, 'x'), {}), { code: 'ENOENT' });
});

test('(invariant 3) temporary entries are swept after an hour, others at the given age', async (t) => {
  const folder = scratchFolder(t);
  const now = Date.now();
  const minutesOld: Readonly<Record<string, number>> = { 'tmp-old': 61, 'tmp-young': 59, kept: 89, expired: 91 };
  for (const [name, minutes] of Object.entries(minutesOld)) {
    await mkdir(join(folder, name));
    await writeFile(join(folder, name, 'key.pem'), '');
    const written = (now - minutes * 60_000) / 1000;
    await utimes(join(folder, name), written, written);
  }
  await sweepFolder(folder, 90 * 60_000, now);
  assert.deepEqual((await readdir(folder)).sort(), ['kept', 'tmp-young']);
});
