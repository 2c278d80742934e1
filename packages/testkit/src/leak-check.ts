/**
 * Proves that a test leaves nothing behind: no socket, listener, timer, child process or other handle that was not there
 * when it began.
 *
 * It compares what Node says to be active. Timers that were unreferenced, and handles that were, are not among it.
 * 1. What a test closes may need a few turns of the event loop to go, so it looks again and again; only what is left at
 *    the end of its patience is a leak.
 * 2. What is shared by the tests of a file (opened in `before`) is there at the start, and so no leak.
 */
import { afterEach, beforeEach, type TestContext } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';

/** How long a closed resource may take to go, in milliseconds. A test without a leak never waits for its end. */
const PATIENCE_MS = 60_000;

/** Work that ends by itself (module loading, file access, closing), and no handle. */
const REQUEST = /Req|^Immediate$|^CloseReq$/;

/** Resources by kind, with how many of each there are. */
export type Resources = ReadonlyMap<string, number>;

/** Collects what a test has to undo; undone newest first, before the check. */
export interface Cleanup {
  defer(undo: () => unknown): void;
}

/**
 * The body of a test that is checked at its end: `test('...', withLeakCheck(async (cleanup, t) => { ... }))`. Clean-up
 * belongs into `cleanup.defer`: what a test hands to `t.after` runs only after the check.
 */
export function withLeakCheck(
  body: (cleanup: Cleanup, t: TestContext) => void | Promise<void>,
): (t: TestContext) => Promise<void> {
  return async (t) => {
    const before = activeResources();
    const undos: (() => unknown)[] = [];
    try {
      await body({ defer: (undo) => void undos.push(undo) }, t);
    } finally {
      for (const undo of undos.reverse()) await undo();
    }
    await expectNoMoreThan(before);
  };
}

/**
 * Checks every test of this file (or, called in `describe`, of this suite). Call it behind the file's own `afterEach`
 * hooks: hooks run in the order of their registration.
 */
export function leakCheck(): void {
  let before: Resources = new Map();
  beforeEach(() => {
    before = activeResources();
  });
  afterEach(() => expectNoMoreThan(before));
}

/** What keeps this process alive now, by kind. */
export function activeResources(): Resources {
  // Node opens these when they are first used, which a test may do by printing a line.
  void process.stdout;
  void process.stderr;
  const counts = new Map<string, number>();
  for (const kind of process.getActiveResourcesInfo()) {
    if (!REQUEST.test(kind)) counts.set(kind, (counts.get(kind) ?? 0) + 1);
  }
  return counts;
}

/** Resolves once nothing is active beyond `before`; rejects with a list of what is left when patience is at its end. */
export async function expectNoMoreThan(before: Resources, patienceMs: number = PATIENCE_MS): Promise<void> {
  const until = performance.now() + patienceMs;
  for (;;) {
    const left = excess(activeResources(), before);
    if (left.length === 0) return;
    if (performance.now() >= until) throw new Error(`the test leaves behind: ${left.join(', ')}`);
    await turn();
  }
}

function excess(now: Resources, before: Resources): string[] {
  const left: string[] = [];
  for (const [kind, count] of now) {
    const more = count - (before.get(kind) ?? 0);
    if (more > 0) left.push(`${more} ${kind}`);
  }
  return left;
}
