import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { until } from '@flaminia/testkit';
import { FileWatch, IDLE_MS, SETTLE_MS } from './file-watch.ts';
import { VirtualClock } from './virtual-clock.ts';

/** A folder with a watch on some files of it. Time passes only in `told` and `quiet`. */
class Watching {
  readonly clock = new VirtualClock();
  readonly root: string;
  readonly watch: FileWatch;
  count = 0;

  constructor(t: TestContext, ...names: string[]) {
    this.root = mkdtempSync(join(tmpdir(), 'flaminia-watch-'));
    for (const name of names) if (!name.includes('/')) this.write(name, 'first');
    const paths = names.map((name) => this.path(name));
    this.watch = new FileWatch(paths, () => this.count++, this.clock);
    t.after(() => {
      this.watch.stop();
      rmSync(this.root, { recursive: true });
    });
  }

  path(name: string): string {
    return join(this.root, name);
  }

  write(name: string, content: string): void {
    writeFileSync(this.path(name), content);
  }

  /** As `mv` does: the file is there whole, or not at all. */
  replace(name: string, content: string): void {
    this.write(`${name}.new`, content);
    renameSync(this.path(`${name}.new`), this.path(name));
  }

  link(target: string, name: string): void {
    symlinkSync(target, this.path(`${name}.new`));
    renameSync(this.path(`${name}.new`), this.path(name));
  }

  /** Lets time pass until the next telling. */
  async told(what: string): Promise<void> {
    const before = this.count;
    await until(() => {
      if (this.count > before) return true;
      this.clock.step(this.clock.now() + IDLE_MS);
      return false;
    }, what);
  }

  /** Lets so many looks pass, and expects nothing of them. */
  async quiet(looks = 5): Promise<void> {
    const before = this.count;
    for (let i = 0; i < looks; i++) await this.look();
    assert.equal(this.count, before);
  }

  /** Lets time pass to the next timer: a look, to its end unless the folder tells of something meanwhile. */
  async look(): Promise<void> {
    assert.ok(this.clock.step(this.clock.now() + IDLE_MS));
    await turn();
    await until(() => this.clock.pending > 0, 'the end of a look');
  }
}

test('[api-8] the first looks tell once, and nothing more is told while nothing changes', async (t) => {
  const files = new Watching(t, 'cert', 'key');
  await files.told('the start');
  await files.quiet();
  files.write('neighbour', 'x');
  await turn();
  await files.quiet();
  assert.equal(files.watch.heard, 1);
});

test('[api-8] a file that is rewritten, renamed into place, removed or put back is told', async (t) => {
  const files = new Watching(t, 'cert', 'key');
  await files.told('the start');
  files.write('cert', 'second');
  await files.told('a file rewritten');
  files.replace('key', 'third');
  await files.told('a file renamed into place');
  unlinkSync(files.path('key'));
  await files.told('a file that is gone');
  files.write('key', 'fourth');
  await files.told('a file that is back');
  await files.quiet();
});

test('[api-8] links that are swapped are told: that of a file, that of its folder, and ..data of a mounted secret', async (t) => {
  const files = new Watching(t, 'own/tls.crt', 'current/tls.crt', 'mount/tls.crt');
  for (const version of ['v1', 'v2']) {
    mkdirSync(files.path(version));
    files.write(`${version}/tls.crt`, 'the same');
    mkdirSync(files.path(`mount/..${version}`), { recursive: true });
    files.write(`mount/..${version}/tls.crt`, 'the same');
  }
  mkdirSync(files.path('own'));
  files.link('../v1/tls.crt', 'own/tls.crt');
  files.link('v1', 'current');
  files.link('..v1', 'mount/..data');
  files.link('..data/tls.crt', 'mount/tls.crt');
  await files.told('the start');
  files.link('../v2/tls.crt', 'own/tls.crt');
  await files.told('another link to a file');
  files.link('v2', 'current');
  await files.told('another link to a folder');
  files.link('..v2', 'mount/..data');
  await files.told('another version of a secret');
  files.write('v2/tls.crt', 'the target rewritten where nobody listens');
  await files.told('what a link leads to');
  assert.equal(files.watch.heard, 3);
});

test('[api-8] a folder that vanishes and comes back is heard again', async (t) => {
  const files = new Watching(t, 'etc/cert');
  await files.told('the start without a folder');
  assert.equal(files.watch.heard, 0);
  mkdirSync(files.path('etc'));
  files.write('etc/cert', 'first');
  await files.told('the folder');
  assert.equal(files.watch.heard, 1);
  rmSync(files.path('etc'), { recursive: true });
  await files.told('the folder gone');
  assert.equal(files.watch.heard, 0);
  mkdirSync(files.path('etc'));
  files.write('etc/cert', 'second');
  await files.told('the folder back');
  assert.equal(files.watch.heard, 1);
});

test('[api-8] what is still being written is told when it rests, or at last when it never does', async (t) => {
  const files = new Watching(t, 'cert', 'key');
  await files.told('the start');
  for (let i = 0; i < 10; i++) {
    files.write('cert', 'x'.repeat(i));
    await files.look();
  }
  assert.equal(files.count, 1, 'each look has seen something new');
  await files.told('rest');
  const before = files.count;
  for (let i = 0; files.count === before; i++) {
    assert.ok(i < 1_000, 'a file that never rests is told too');
    files.write('key', 'y'.repeat(i));
    await files.look();
  }
});

test('[api-8] [api-43] after stop nothing is told, heard or timed, also in the middle of a look', async (t) => {
  const files = new Watching(t, 'cert');
  files.clock.step(0);
  files.watch.stop();
  for (let i = 0; i < 20; i++) await turn();
  assert.deepEqual([files.count, files.clock.pending, files.watch.heard], [0, 0, 0]);
  const later = new Watching(t, 'cert');
  await later.told('the start');
  later.write('cert', 'second');
  later.watch.stop();
  later.watch.stop();
  for (let i = 0; i < 20; i++) await turn();
  assert.deepEqual([later.count, later.clock.pending, later.watch.heard], [1, 0, 0]);
});

test('[api-8] on the clock of the system an event of the folder is enough', async (t) => {
  const root = mkdtempSync(join(tmpdir(), 'flaminia-watch-'));
  const path = join(root, 'cert');
  let count = 0;
  const watch = new FileWatch([path], () => count++);
  t.after(() => {
    watch.stop();
    rmSync(root, { recursive: true });
  });
  await until(() => count === 1, 'the start');
  writeFileSync(path, 'first');
  await until(() => count === 2, 'the file');
  assert.ok(SETTLE_MS < IDLE_MS);
});
