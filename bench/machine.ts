/** The machine that figures belong to: what it is, which cores the two processes get, and who else was using them. */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { availableParallelism, cpus, loadavg, platform, release, totalmem } from 'node:os';

/** The cores of a pair, or why there is no pinning. */
export type Pinning =
  | { readonly kind: 'pinned'; readonly sender: number; readonly receiver: number }
  | { readonly kind: 'unpinned'; readonly reason: string };

/** Two cores that share no execution units, where the system has a `taskset` and allows two. */
export function choosePinning(): Pinning {
  if (platform() !== 'linux') return { kind: 'unpinned', reason: 'no taskset on this system' };
  if (spawnSync('taskset', ['--version'], { stdio: 'ignore' }).status !== 0) {
    return { kind: 'unpinned', reason: 'taskset is not installed' };
  }
  const allowed = parseCoreList(/^Cpus_allowed_list:\s*(.*)$/m.exec(readText('/proc/self/status'))?.[1] ?? '');
  const [sender, ...others] = allowed;
  if (sender === undefined || others.length === 0) return { kind: 'unpinned', reason: 'one core for both processes' };
  const siblings = parseCoreList(readText(`/sys/devices/system/cpu/cpu${sender}/topology/thread_siblings_list`));
  const apart = others.find((core) => !siblings.includes(core));
  const [first = sender] = others;
  return { kind: 'pinned', sender, receiver: apart ?? first };
}

/** Core numbers of a list like `0-2,5`, as Linux writes it. */
export function parseCoreList(text: string): number[] {
  return text
    .trim()
    .split(',')
    .flatMap((part) => {
      const [first, last = first] = part.split('-').map(Number);
      if (part === '' || first === undefined || last === undefined) return [];
      return Array.from({ length: last - first + 1 }, (_, offset) => first + offset);
    });
}

/**
 * Processor time that one core has spent on programs so far, in milliseconds, time taken by a hypervisor included;
 * undefined where the system does not tell. Interrupts are left out: no process is charged for them either.
 */
export function coreBusyMs(core: number): number | undefined {
  const fields = new RegExp(`^cpu${core} (.*)$`, 'm').exec(readText('/proc/stat'))?.[1]?.split(' ').map(Number);
  if (fields === undefined) return undefined;
  const [user = 0, nice = 0, system = 0, , , , , steal = 0] = fields;
  return (user + nice + system + steal) * MS_PER_TICK;
}

/** USER_HZ, 100 on every Linux that Node runs on. */
const MS_PER_TICK = 10;

/** One line that says what the figures were measured on. */
export function describeMachine(pinning: Pinning, cipher: string): string {
  const [cpu] = cpus();
  const parts = [
    `${availableParallelism()} cores of ${cpu?.model.trim() ?? 'an unknown processor'}`,
    `${(totalmem() / 2 ** 30).toFixed(1)} GiB`,
    `${platform()} ${release()}`,
    `Node ${process.versions.node}`,
    `TLS 1.3${cipher === '' ? '' : ` ${cipher}`}, P-256 leaves, no tickets`,
    pinning.kind === 'pinned'
      ? `sender pinned to core ${pinning.sender}, receiver to core ${pinning.receiver}`
      : `NOT PINNED (${pinning.reason}): expect wider spreads`,
    `load ${loadavg()[0]?.toFixed(2)}`,
  ];
  return parts.join(' · ');
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
