/** Real servers for the tests of discovery, each in a temporary folder and on free ports of the loopback interface. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { Resolver } from 'node:dns/promises';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from './free-port.ts';

export { freePort };

/** Programs of `/usr/sbin` are not on everybody's path. */
const env = { ...process.env, PATH: `${process.env.PATH}:/usr/sbin` };

/** Why the tests with a program are skipped; false where it is installed. Where CI asks, they are not skipped but fail. */
export function skippedWithout(program: string, debianPackage: string): string | false {
  const isInstalled = spawnSync(program, ['--version'], { env, stdio: 'ignore' }).error === undefined;
  return isInstalled || process.env.CI === 'true' ? false : `SKIPPED: ${program} is missing (Debian: ${debianPackage})`;
}

/** A server that can be stopped and started anew, with its data. */
export interface RealServer {
  readonly url: string;
  start(args?: readonly string[]): Promise<void>;
  /** Ends it at once, as a crash does. */
  kill(): Promise<void>;
  /** Ends it and removes its folder. */
  remove(): Promise<void>;
}

/** An etcd that is not started yet. */
export async function realEtcd(): Promise<RealServer> {
  const folder = mkdtempSync(join(tmpdir(), 'etcd-'));
  const [client, peer] = [await freePort(), await freePort()].map((port) => `http://127.0.0.1:${port}`);
  const args = ['--data-dir', join(folder, 'data'), '--log-level', 'error', '--unsafe-no-fsync'];
  args.push('--listen-client-urls', client!, '--advertise-client-urls', client!, '--listen-peer-urls', peer!);
  args.push('--initial-advertise-peer-urls', peer!, '--initial-cluster', `default=${peer}`);
  return realServer('etcd', args, folder, client!, async () => {
    const health = await fetch(`${client}/health`);
    return ((await health.json()) as { health?: unknown }).health === 'true';
  });
}

/** A dnsmasq that is not started yet, for names of `test`; it is started with its records. */
export async function realDnsmasq(): Promise<RealServer> {
  const port = await freePort();
  const probe = new Resolver({ timeout: 100, tries: 1 });
  probe.setServers([`127.0.0.1:${port}`]);
  const folder = mkdtempSync(join(tmpdir(), 'dnsmasq-'));
  const args = ['--no-daemon', '--no-resolv', '--no-hosts', '--conf-file=/dev/null', '--bind-interfaces'];
  args.push('--listen-address=127.0.0.1', `--port=${port}`, '--local=/test/');
  // A record of its own tells that it is up.
  args.push('--host-record=up.test,127.0.0.1');
  return realServer('dnsmasq', args, folder, `127.0.0.1:${port}`, async () => {
    return (await probe.resolve4('up.test')).length === 1;
  });
}

function realServer(
  program: string,
  always: readonly string[],
  folder: string,
  url: string,
  isReady: () => Promise<boolean>,
): RealServer {
  let child: ChildProcess | undefined;
  const kill = async (): Promise<void> => {
    const ending = child;
    child = undefined;
    if (ending === undefined || ending.exitCode !== null || ending.signalCode !== null) return;
    const exited = once(ending, 'exit');
    ending.kill('SIGKILL');
    await exited;
  };
  return {
    url,
    kill,
    start: async (args = []) => {
      const started = spawn(program, [...always, ...args], { env, stdio: ['ignore', 'ignore', 'pipe'] });
      child = started;
      let said = '';
      started.stderr.on('data', (chunk: Buffer) => {
        said = (said + chunk).slice(-2_000);
      });
      let failure: string | undefined;
      started.on('error', (error) => {
        failure = error.message;
      });
      started.on('exit', () => {
        failure ??= 'it has ended';
      });
      while (!(await isReady().catch(() => false))) {
        if (failure !== undefined) throw new Error(`${program}: ${failure}\n${said}`);
        await new Promise<void>((resolve) => {
          setTimeout(resolve, 20);
        });
      }
    },
    remove: async () => {
      await kill();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
