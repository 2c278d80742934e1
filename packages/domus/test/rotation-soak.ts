/**
 * Rotation under load, by hand: two domus send to each other as fast as they can while both change their certificates
 * every second, and a stranger comes by after each change to look at what is new. Every fifth change is one of authority,
 * and after every third the connection between the two is cut, so that they meet again with what is new.
 * Prints one line per transport; ends with 1 if a send failed or a certificate was not the new one.
 *
 *     node --conditions=@flaminia/source --import tsx packages/domus/test/rotation-soak.ts [seconds]
 */
import { mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { type Authority, createAuthority } from '@flaminia/certificates';
import { type DomusAddr, tcpAddress, unixAddress } from '@flaminia/transport-a0';
import { Domus } from '../src/domus.ts';
import { Numbers } from './memory-bench.ts';
import { freshMaterial, serialOf, serialSeenBy } from './rotation-material.ts';

const SENDS_AT_ONCE = 32;
const ROTATION_MS = 1_000;
/** Rotations under one authority: then two that trust both, and the next one alone. */
const ROTATIONS_PER_AUTHORITY = 5;

const ROTATIONS_PER_CUT = 3;

/** Who issues now, and who else is trusted while one authority takes over from another. */
interface Trust {
  readonly issuer: Authority;
  readonly also: readonly Authority[];
}

/** The trust of each rotation in turn, for ever. Neighbours accept each other. */
async function* trusts(first: Authority): AsyncGenerator<Trust> {
  for (let issuer = first; ; ) {
    for (let i = 2; i < ROTATIONS_PER_AUTHORITY; i++) yield { issuer, also: [] };
    const next = await createAuthority();
    yield { issuer, also: [next] };
    yield { issuer: next, also: [issuer] };
    issuer = next;
  }
}

/** Sends until it is stopped, and counts. */
class Load {
  sent = 0;
  readonly failures: Error[] = [];
  private isOver = false;
  private readonly lanes: Promise<void>[];

  constructor(from: Domus, to: Domus) {
    this.lanes = Array.from({ length: SENDS_AT_ONCE }, () => this.lane(from, to));
  }

  async stop(): Promise<void> {
    this.isOver = true;
    await Promise.all(this.lanes);
  }

  private async lane(from: Domus, to: Domus): Promise<void> {
    while (!this.isOver) {
      await from.send(Numbers, this.sent, { to: to.address, whenFull: 'wait' }).then(
        () => void this.sent++,
        (error: Error) => void this.failures.push(error),
      );
    }
  }
}

async function soak(name: string, addressOf: () => DomusAddr, seconds: number): Promise<boolean> {
  const source = trusts(await createAuthority());
  const nextTrust = async (): Promise<Trust> => (await source.next()).value as Trust;
  let trust = await nextTrust();
  const issue = (address: DomusAddr): ReturnType<typeof freshMaterial> =>
    freshMaterial(address, trust.issuer, trust.also);
  const open = async (): Promise<Domus> => {
    const domus = await Domus.open({ address: addressOf(), auth: issue });
    await domus.serve(Numbers, () => {});
    return domus;
  };
  const [left, right] = [await open(), await open()];
  const loads = [new Load(left, right), new Load(right, left)];
  const strangers: Error[] = [];
  let rotations = 0;
  const heapBefore = process.memoryUsage().rss;
  for (const end = performance.now() + seconds * 1_000; performance.now() < end; rotations++) {
    const due = pause(ROTATION_MS);
    trust = await nextTrust();
    const fresh = await Promise.all([issue(left.address), issue(right.address)]);
    await Promise.all([left.reloadAuth(fresh[0]), right.reloadAuth(fresh[1])]);
    const stranger = await open();
    for (const [index, domus] of [left, right].entries()) {
      const seen = await serialSeenBy(stranger, domus).catch((error: Error) => error);
      if (seen !== serialOf(fresh[index]!)) strangers.push(seen instanceof Error ? seen : new Error(`saw ${seen}`));
    }
    await stranger.shutdown();
    if (rotations % ROTATIONS_PER_CUT === 0) cut(left);
    await due;
  }
  await Promise.all(loads.map((load) => load.stop()));
  const failures = [...loads.flatMap((load) => load.failures), ...strangers];
  const sent = loads.reduce((sum, load) => sum + load.sent, 0);
  const grown = Math.round((process.memoryUsage().rss - heapBefore) / 2 ** 20);
  const dials = left.reporting.snapshot().primaryCalles.opened + right.reporting.snapshot().primaryCalles.opened;
  await Promise.all([left.shutdown(), right.shutdown()]);
  process.stdout.write(
    `${name}: ${rotations} rotations of both sides, ${sent} messages, ${failures.length} failed; ` +
      `${dials} connections opened; resident memory ${grown >= 0 ? '+' : ''}${grown} MiB\n`,
  );
  for (const error of failures.slice(0, 5)) process.stdout.write(`  ${String(error)}\n`);
  return failures.length === 0;
}

/** Breaks every connection of a domus, as a network does. */
function cut(domus: Domus): void {
  for (const { calles } of domus.delivery.core.peers.values()) {
    for (const { driver } of [...calles]) (driver as { readonly stream: { destroy(): void } }).stream.destroy();
  }
}

const seconds = Number(process.argv[2] ?? 60);
const folder = realpathSync(mkdtempSync(join(tmpdir(), 'flaminia-soak-')));
let paths = 0;
try {
  const tcp = await soak('tcp', () => tcpAddress('127.0.0.1', 0), seconds);
  const unix = await soak('unix', () => unixAddress(join(folder, `${++paths}.sock`)), seconds);
  process.exitCode = tcp && unix ? 0 : 1;
} finally {
  rmSync(folder, { recursive: true, force: true });
}
