/** How long the suite waits for anything: only a case that differs ever waits so long. */

/** In milliseconds; long enough for a loaded machine. */
export const PATIENCE_MS = 10_000;
/** For the outcome of a send, which may be its deadline, and for the end of a shutdown, which may linger. */
export const OUTCOME_PATIENCE_MS = 60_000;

/** Settles as the promise does, or rejects when patience is at its end. */
export async function withPatience<T>(
  promise: Promise<T>,
  wanted: string,
  patienceMs: number = PATIENCE_MS,
): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const end = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`waited in vain for ${wanted}`)), patienceMs);
  });
  try {
    return await Promise.race([promise, end]);
  } finally {
    clearTimeout(timer);
  }
}
