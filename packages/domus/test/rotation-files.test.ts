/** `authFromFiles({ watch: true })` on real files and sockets: whoever writes them, and however, no message is lost. */
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import type { PemMaterial } from '@flaminia/certificates';
import { until } from '@flaminia/testkit';
import type { DomusAddr } from '@flaminia/transport-a0';
import { authFromFiles } from '../src/auth-sources.ts';
import type { Domus } from '../src/domus.ts';
import { eventsOf, Numbers } from './memory-bench.ts';
import { authorities, freshMaterial, serialOf, serialSeenBy } from './rotation-material.ts';
import { SocketImperium, TRANSPORTS, type Transport } from './socket-imperium.ts';

const PARTS = ['ca', 'cert', 'key'] as const;
const issuers = authorities();

/** A domus that takes its certificates from three files, and a peer. */
class FileDomus {
  readonly folder = mkdtempSync(join(tmpdir(), 'flaminia-rotation-'));
  readonly address: DomusAddr;
  domus!: Domus;
  events!: ReturnType<typeof eventsOf>;

  constructor(t: TestContext, address: DomusAddr) {
    this.address = address;
    t.after(() => rmSync(this.folder, { recursive: true }));
  }

  path(name: string): string {
    return join(this.folder, name);
  }

  async open(sockets: SocketImperium): Promise<this> {
    const [ca, cert, key] = PARTS.map((part) => this.path(part));
    const auth = authFromFiles({ ca: ca!, cert: cert!, key: key!, watch: true });
    this.domus = await sockets.open({ address: this.address, auth });
    await this.domus.serve(Numbers, () => {});
    this.events = eventsOf(this.domus);
    return this;
  }

  async fresh(): Promise<PemMaterial> {
    return freshMaterial(this.address, (await issuers).old);
  }

  /** Rewrites a file in place. */
  write(part: (typeof PARTS)[number], material: PemMaterial): void {
    writeFileSync(this.path(part), material[part]);
  }

  /** As a mounted secret changes: a new folder, and one link that is swapped. */
  mount(material: PemMaterial, version: string): void {
    mkdirSync(this.path(version));
    for (const part of PARTS) writeFileSync(this.path(join(version, part)), material[part]);
    symlinkSync(version, this.path('..new'));
    renameSync(this.path('..new'), this.path('..data'));
  }

  async until(kind: string, count = 1): Promise<void> {
    await until(() => this.events.filter((event) => event.kind === kind).length >= count, kind);
  }
}

async function prepared(t: TestContext, transport: Transport) {
  const sockets = new SocketImperium(t, transport);
  const files = new FileDomus(t, await sockets.address());
  const peer = async (): Promise<Domus> =>
    sockets.open({ auth: async (address) => freshMaterial(address, (await issuers).old) });
  return { sockets, files, peer };
}

for (const transport of TRANSPORTS) {
  test(`[api-8] [case-4] over ${transport}: a link that is swapped rotates the domus under traffic, and no send fails`, async (t) => {
    const { sockets, files, peer } = await prepared(t, transport);
    const first = await files.fresh();
    for (const part of PARTS) symlinkSync(join('..data', part), files.path(part));
    files.mount(first, '..v0');
    await files.open(sockets);
    const [left, to] = [await peer(), { to: files.address, whenFull: 'wait' } as const];
    let isOver = false;
    const lanes = Array.from({ length: 8 }, async () => {
      while (!isOver) await left.send(Numbers, 1, to);
    });
    for (let i = 1; i <= 3; i++) {
      const next = await files.fresh();
      files.mount(next, `..v${i}`);
      await files.until('auth-reloaded', i);
      assert.equal(await serialSeenBy(await peer(), files.domus), serialOf(next));
    }
    isOver = true;
    await Promise.all(lanes);
    assert.ok(!files.events.some(({ kind }) => kind === 'auth-reload-failed'));
  });
}

test('[api-8] [a0-rot-3] files that do not fit together are reported, and taken as soon as they do', async (t) => {
  const { sockets, files, peer } = await prepared(t, 'unix');
  const first = await files.fresh();
  for (const part of PARTS) files.write(part, first);
  await files.open(sockets);
  const second = await files.fresh();
  files.write('cert', second);
  await files.until('auth-reload-failed');
  const [failed] = files.events.filter((event) => event.kind === 'auth-reload-failed');
  assert.match(failed!.error.message, /key does not belong/);
  assert.equal(await serialSeenBy(await peer(), files.domus), serialOf(first), 'what was in force still serves');
  files.write('key', second);
  await files.until('auth-reloaded');
  assert.equal(await serialSeenBy(await peer(), files.domus), serialOf(second));
});

test('[api-8] a file that vanishes is reported, and taken when it comes back', async (t) => {
  const { sockets, files, peer } = await prepared(t, 'unix');
  const first = await files.fresh();
  for (const part of PARTS) files.write(part, first);
  await files.open(sockets);
  unlinkSync(files.path('key'));
  await files.until('auth-reload-failed');
  const [failed] = files.events.filter((event) => event.kind === 'auth-reload-failed');
  assert.match(failed!.error.message, /cannot read .*key: ENOENT/);
  const second = await files.fresh();
  for (const part of ['key', 'cert'] as const) files.write(part, second);
  await files.until('auth-reloaded');
  assert.equal(await serialSeenBy(await peer(), files.domus), serialOf(second));
});

test('[api-8] [api-43] a shutdown, or an open that fails, ends the watch', async (t) => {
  const { sockets, files } = await prepared(t, 'unix');
  const first = await files.fresh();
  for (const part of PARTS) files.write(part, first);
  let watches = 0;
  const [ca, cert, key] = PARTS.map((part) => files.path(part));
  const read = authFromFiles({ ca: ca!, cert: cert!, key: key!, watch: true });
  const auth = Object.assign(() => read(), {
    watch: (changed: () => void) => {
      watches++;
      const stop = read.watch!(changed);
      return () => {
        watches--;
        stop();
      };
    },
  });
  const domus = await sockets.open({ address: files.address, auth });
  assert.equal(watches, 1);
  await assert.rejects(sockets.open({ address: files.address, auth }), { code: 'bind-failed' });
  assert.equal(watches, 1);
  await domus.shutdown();
  assert.equal(watches, 0);
});
