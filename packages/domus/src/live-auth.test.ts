import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { createAuthority, issueAuth } from '@flaminia/certificates';
import { type DomusAddr, DomusError, type Pkcs8AuthConfig } from '@flaminia/transport-a0';
import type { AuthMaterial } from '@flaminia/transport-a0/internal';
import { expiredMaterial } from '../test/rotation-material.ts';
import type { AuthFunction, AuthWatch } from './auth-sources.ts';
import { LiveAuth } from './live-auth.ts';
import { VirtualClock } from './virtual-clock.ts';

const address: DomusAddr = 'tcp://127.0.0.1:7';
const ca = createAuthority();
const fresh = async (named: DomusAddr = address): Promise<Pkcs8AuthConfig> =>
  issueAuth({ ca: await ca, nodeId: 'node' })(named);

/** A source in the hands of the test. */
class Vault {
  holds: Pkcs8AuthConfig | Error;
  asked = 0;
  watches = 0;
  changed = (): void => {};
  readonly source: AuthFunction = Object.assign(
    async () => {
      this.asked++;
      if (this.holds instanceof Error) throw this.holds;
      return this.holds;
    },
    {
      watch: (changed: () => void) => {
        this.watches++;
        this.changed = changed;
        return () => void this.watches--;
      },
    },
  );

  constructor(holds: Pkcs8AuthConfig) {
    this.holds = holds;
  }
}

class Bench {
  readonly clock = new VirtualClock();
  readonly told: string[] = [];
  readonly prepared: AuthMaterial[] = [];
  readonly auth: LiveAuth;
  onReload = (): void => {};

  constructor(source: AuthFunction, given: Pkcs8AuthConfig) {
    this.auth = new LiveAuth(address, source, given);
    this.auth.begin({
      clock: this.clock,
      prepare: (material) => void this.prepared.push(material),
      reloaded: () => {
        this.told.push('reloaded');
        this.onReload();
      },
      reloadFailed: (error) => this.told.push(String((error as Error).message)),
    });
  }

  get serial(): string {
    return this.auth.material.chain[0].serialNumber;
  }

  /** Lets time pass to the next timer, and everything that it sets off come to rest. */
  async step(ms: number): Promise<boolean> {
    const rang = this.clock.step(this.clock.now() + ms);
    for (let i = 0; i < 5; i++) await turn();
    return rang;
  }
}

async function watching(): Promise<{ vault: Vault; bench: Bench }> {
  const first = await fresh();
  const vault = new Vault(first);
  return { vault, bench: new Bench(vault.source, first) };
}

test('[a0-rot-1] a source that tells of new material is asked, and what it gives is in force', async () => {
  const { vault, bench } = await watching();
  const before = bench.serial;
  vault.holds = await fresh();
  vault.changed();
  vault.changed();
  await bench.step(0);
  assert.deepEqual([bench.told, vault.asked], [['reloaded'], 1]);
  assert.notEqual(bench.serial, before);
  assert.equal(bench.prepared[0], bench.auth.material);
  assert.equal(bench.auth.self.certificate?.serialNumber, bench.serial);
});

test('a source that tells of what is in force already changes nothing', async () => {
  const { vault, bench } = await watching();
  const { material } = bench.auth;
  vault.changed();
  await bench.step(0);
  assert.deepEqual([vault.asked, bench.told, bench.prepared], [1, [], []]);
  assert.equal(bench.auth.material, material);
});

test('[a0-rot-3] [api-8] a failure keeps the material, is told once per text, and is tried again ever more rarely', async () => {
  const { vault, bench } = await watching();
  const { material } = bench.auth;
  const [half, other] = [await fresh(), await fresh()];
  vault.holds = { ...half, key: other.key };
  vault.changed();
  await bench.step(0);
  assert.equal(bench.auth.material, material);
  assert.match(bench.told[0]!, /key does not belong to the first certificate of cert/);
  const waits: number[] = [];
  for (let i = 0; i < 8; i++) {
    const since = bench.clock.now();
    assert.ok(await bench.step(100_000));
    waits.push(bench.clock.now() - since);
  }
  assert.deepEqual(waits, [1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000]);
  vault.holds = new Error('away');
  assert.ok(await bench.step(100_000));
  assert.deepEqual(bench.told.slice(1), ['invalid-config: auth could not give certificates and key']);
  vault.holds = other;
  assert.ok(await bench.step(100_000));
  assert.deepEqual([bench.told.at(-1), bench.told.length, bench.clock.pending], ['reloaded', 3, 0]);
  vault.holds = new Error('away');
  vault.changed();
  await bench.step(0);
  assert.equal(bench.told.length, 4, 'told anew after a success');
  assert.ok(await bench.step(1_000));
});

test('[a0-rot-3] a leaf that has run out is not taken, from a source or by hand, and the good one stays', async () => {
  const { vault, bench } = await watching();
  const { material } = bench.auth;
  vault.holds = await expiredMaterial(address, await ca);
  vault.changed();
  await bench.step(0);
  assert.match(bench.told[0]!, /cert has expired, on .* GMT/);
  const other = new Vault(vault.holds);
  for (const auth of [undefined, vault.holds, other.source]) {
    await assert.rejects(bench.auth.reload(auth, undefined), { code: 'invalid-config', detail: 'cert' });
  }
  assert.deepEqual([bench.told.length, bench.prepared, vault.watches, other.watches], [1, [], 1, 0]);
  assert.equal(bench.auth.material, material);
  vault.holds = await fresh();
  assert.ok(await bench.step(1_000), 'the source is asked again by itself');
  assert.equal(bench.told.at(-1), 'reloaded');
});

test('[api-8] a change comes before the next try, and a reload by hand ends the trying', async () => {
  const { vault, bench } = await watching();
  vault.holds = new Error('away');
  vault.changed();
  await bench.step(0);
  vault.holds = await fresh();
  vault.changed();
  await bench.step(0);
  assert.deepEqual([bench.told.at(-1), bench.clock.pending], ['reloaded', 0]);
  vault.holds = new Error('away again');
  vault.changed();
  await bench.step(0);
  assert.equal(bench.clock.pending, 1);
  await assert.rejects(bench.auth.reload(undefined, undefined), { code: 'invalid-config' });
  assert.equal(bench.clock.pending, 1, 'a reload by hand that fails leaves the trying alone');
  vault.holds = await fresh();
  await bench.auth.reload(undefined, undefined);
  assert.equal(bench.clock.pending, 0);
});

test('[api-44] a source that is replaced is watched no more, and not heard', async () => {
  const { vault, bench } = await watching();
  const second = new Vault(await fresh());
  await bench.auth.reload(second.source, undefined);
  assert.deepEqual([vault.watches, second.watches], [0, 1]);
  vault.changed();
  await bench.step(0);
  assert.deepEqual([vault.asked, second.asked], [0, 1]);
  await bench.auth.reload(undefined, undefined);
  assert.equal(second.watches, 1, 'the same source is not watched twice');
  await assert.rejects(bench.auth.reload(() => Promise.reject(new Error('x')), undefined));
  assert.equal(second.watches, 1);
  await bench.auth.reload(await fresh(), undefined);
  assert.equal(second.watches, 0);
});

test('[api-44] what a new source tells is not lost behind a rotation that the old one asked for', async () => {
  const { vault, bench } = await watching();
  const [second, renewed] = [new Vault(await fresh()), await fresh()];
  const replaced = bench.auth.reload(second.source, undefined);
  vault.changed(); // Waits for its turn behind the reload.
  bench.onReload = () => {
    bench.onReload = () => {};
    second.holds = renewed;
    second.changed();
  };
  await replaced;
  await bench.step(0);
  assert.deepEqual([vault.asked, bench.told], [0, ['reloaded', 'reloaded']]);
  assert.equal(bench.serial, new X509Certificate(renewed.cert as string).serialNumber);
});

test('[api-43] after close nothing is watched, timed or taken, whatever is under way', async () => {
  const { vault, bench } = await watching();
  vault.holds = new Error('away');
  vault.changed();
  await bench.step(0);
  const { material } = bench.auth;
  const second = new Vault(await fresh());
  const late = bench.auth.reload(second.source, undefined);
  bench.auth.close();
  bench.auth.close();
  await assert.rejects(late, { code: 'domus-closed' });
  vault.changed();
  await bench.step(100_000);
  assert.deepEqual([vault.watches, second.watches, bench.clock.pending, vault.asked], [0, 0, 0, 1]);
  assert.equal(bench.auth.material, material);
});

test('[api-43] whenever a close comes, a reload says what has become of it', async () => {
  const given = await fresh();
  const ends = new Set<string>();
  for (let jobs = 0; jobs < 24; jobs++) {
    const { vault, bench } = await watching();
    const { material } = bench.auth;
    const late = bench.auth.reload(() => given, undefined);
    vault.holds = given;
    vault.changed();
    for (let job = 0; job < jobs; job++) await Promise.resolve();
    bench.auth.close();
    const end = await late.then(
      () => 'taken',
      (error: DomusError) => error.kind,
    );
    await bench.step(0);
    assert.equal(end === 'taken', bench.auth.material !== material, `after ${jobs} promise jobs`);
    ends.add(end);
  }
  assert.deepEqual([...ends], ['domus-closed', 'taken']);
});

test('[api-43] a source that cannot end its watch does not keep a domus from its shutdown', async () => {
  const first = await fresh();
  const stubborn = Object.assign(() => first, {
    watch: () => () => {
      throw new Error('no');
    },
  });
  const bench = new Bench(stubborn, first);
  bench.auth.close();
});

test('[api-43] promises of a watch are not left unhandled: one that should end it, and one in its place, which is refused', async () => {
  const first = await fresh();
  const late = async (): Promise<never> => Promise.reject(new Error('late'));
  const bench = new Bench(
    Object.assign(() => first, { watch: () => late }),
    first,
  );
  const asynchronous: AuthFunction = Object.assign(() => first, { watch: late as unknown as AuthWatch });
  await assert.rejects(bench.auth.reload(asynchronous, undefined), { code: 'invalid-config', detail: 'auth' });
  assert.throws(() => new Bench(asynchronous, first), /the watch of auth is asynchronous/);
  bench.auth.close();
  await turn(); // an unhandled rejection would end the test here
});

test('[a0-rot-3] a source that cannot be watched, or gives another address, is refused before anything is in force', async () => {
  const first = await fresh();
  const unwatchable = Object.assign(() => first, {
    watch: () => {
      throw new Error('no');
    },
  });
  assert.throws(
    () => new Bench(unwatchable, first),
    (error) => DomusError.is(error) && error.kind === 'invalid-config' && String(error.cause) === 'Error: no',
  );
  const stranger = await fresh('tcp://127.0.0.1:8');
  assert.throws(() => new Bench(() => stranger, stranger), { code: 'address-mismatch' });
});
