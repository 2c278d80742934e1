/**
 * Watches files that somebody else replaces: rewritten in place, renamed into place, or led to by a symbolic link that is
 * swapped. Tells when they have changed and come to rest. It reads names and dates only, never contents.
 *
 * Events of their folders say when to look; a slow look that needs no event finds what no event tells (network file
 * systems, links further up, a folder that was replaced). What a look sees decides, never the event itself.
 * 1. A change is told once two looks in a row have seen the same: whoever writes several files, or one of them slowly, has
 *    then paused. Files that never rest are told after `MOST_LOOKS` looks.
 * 2. Whatever happens after the telling is seen by a later look, and told again. The first looks always tell, since nobody
 *    knows what happened before them.
 * 3. Absent files are a state like any other. Nothing here throws.
 * 4. After `stop` nothing is told, watched or timed. Neither watch nor timer keeps the process alive.
 */
import { type BigIntStats, type FSWatcher, watch } from 'node:fs';
import { stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { type Clock, systemClock, type TimerHandle } from '@flaminia/delivery-a1/internal';

/** The time between an event and the look that it causes, and between the looks that wait for rest. */
export const SETTLE_MS = 100;
/** The time between looks that nothing causes. */
export const IDLE_MS = 5_000;
/** Looks without rest after which a change is told all the same. */
const MOST_LOOKS = 20;

interface WatchedFolder {
  readonly identity: string;
  readonly watcher: FSWatcher;
}

export class FileWatch {
  private readonly paths: readonly string[];
  private readonly folders: readonly string[];
  private readonly changed: () => void;
  private readonly clock: Clock;
  private readonly watched = new Map<string, WatchedFolder>();
  /** What was told last, and what the last look saw. */
  private told: string | undefined = undefined;
  private seen: string | undefined = undefined;
  private restlessLooks = 0;
  private isLooking = false;
  private isStopped = false;
  private timer: { readonly handle: TimerHandle; readonly at: number } | undefined = undefined;

  /** `changed` is told from a turn of its own, at first soon after the start. */
  constructor(paths: readonly string[], changed: () => void, clock: Clock = systemClock) {
    this.paths = paths;
    this.folders = [...new Set(paths.map((path) => dirname(path)))];
    this.changed = changed;
    this.clock = clock;
    this.lookIn(0);
  }

  /** Folders whose events are heard now. */
  get heard(): number {
    return this.watched.size;
  }

  /** Idempotent. */
  stop(): void {
    this.isStopped = true;
    if (this.timer !== undefined) this.clock.stopTimer(this.timer.handle);
    this.timer = undefined;
    for (const folder of [...this.watched.keys()]) this.unhear(folder);
  }

  /** Makes sure of a look in so many milliseconds, or before. */
  private lookIn(delayMs: number): void {
    if (this.isStopped) return;
    const at = this.clock.now() + delayMs;
    if (this.timer !== undefined) {
      if (this.timer.at <= at) return;
      this.clock.stopTimer(this.timer.handle);
    }
    const handle = this.clock.startTimer(delayMs, () => {
      this.timer = undefined;
      if (this.isLooking) this.lookIn(SETTLE_MS);
      else void this.look();
    });
    if (typeof handle === 'object') handle.unref();
    this.timer = { handle, at };
  }

  private async look(): Promise<void> {
    this.isLooking = true;
    // First, so that whatever changes behind this look makes an event.
    for (const folder of this.folders) this.hear(folder, await identityOf(folder));
    const states = await Promise.all(this.paths.map(stateOf));
    this.isLooking = false;
    if (!this.isStopped) this.judge(states.join(' '));
  }

  private judge(seen: string): void {
    const rests = seen === this.seen || ++this.restlessLooks >= MOST_LOOKS;
    this.seen = seen;
    if (seen !== this.told && !rests) {
      this.lookIn(SETTLE_MS);
      return;
    }
    this.restlessLooks = 0;
    this.lookIn(IDLE_MS);
    if (seen === this.told) return;
    this.told = seen;
    this.changed();
  }

  /** Hears the events of a folder, as it is now: another one may have taken its place, or none. */
  private hear(folder: string, identity: string): void {
    const before = this.watched.get(folder);
    if (before?.identity === identity || this.isStopped) return;
    this.unhear(folder);
    if (identity === ABSENT) return;
    try {
      const watcher = watch(folder, { persistent: false });
      watcher.on('change', () => this.lookIn(SETTLE_MS));
      watcher.on('error', () => this.unhear(folder));
      this.watched.set(folder, { identity, watcher });
    } catch {
      // No more watches to be had, or gone again: the slow looks go on.
    }
  }

  private unhear(folder: string): void {
    this.watched.get(folder)?.watcher.close();
    this.watched.delete(folder);
  }
}

const ABSENT = 'absent';

/** What tells a folder from another one at the same path. */
function identityOf(path: string): Promise<string> {
  return described(path, ({ dev, ino, birthtimeNs }) => `${dev}:${ino}:${birthtimeNs}`);
}

/** What changes whenever a file is written, replaced, or led to by another link. */
function stateOf(path: string): Promise<string> {
  return described(path, ({ dev, ino, size, mtimeNs, ctimeNs }) => `${dev}:${ino}:${size}:${mtimeNs}:${ctimeNs}`);
}

async function described(path: string, words: (stats: BigIntStats) => string): Promise<string> {
  try {
    return words(await stat(path, { bigint: true }));
  } catch {
    return ABSENT;
  }
}
