/** One listener for all who end with one signal: programs have one for thousands of calls, sends and feeds. */

/** Whoever ends with a signal. */
export interface Abortable {
  aborted(reason: unknown): void;
}

interface Watch {
  readonly watched: Set<Abortable>;
  readonly listener: () => void;
}

export class SignalWatch {
  /** Weak: a signal that nobody can abort any more is let go with those who watch it. */
  private readonly watches = new WeakMap<AbortSignal, Watch>();

  add(signal: AbortSignal, each: Abortable): void {
    let watch = this.watches.get(signal);
    if (watch === undefined) {
      const watched = new Set<Abortable>();
      const listener = (): void => {
        // One may end another.
        for (const one of [...watched]) if (watched.has(one)) one.aborted(signal.reason);
      };
      watch = { watched, listener };
      // First, since it throws for what is no signal, and then no watch must stand.
      signal.addEventListener('abort', listener, { once: true });
      this.watches.set(signal, watch);
    }
    watch.watched.add(each);
  }

  delete(signal: AbortSignal, each: Abortable): void {
    const watch = this.watches.get(signal);
    if (watch === undefined || !watch.watched.delete(each) || watch.watched.size > 0) return;
    this.watches.delete(signal);
    signal.removeEventListener('abort', watch.listener);
  }
}

/** Of the whole process, for whatever ends with a signal and is no call. Each listener on a signal looks at all others, and Node warns of the eleventh. */
export const watchedSignals: SignalWatch = new SignalWatch();
