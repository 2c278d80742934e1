/** Many connections, a few at a time. */

/** Connections under way at once: well under the admission limit of a domus and the accept queue of a system. */
const WAVE = 16;

/** Calls `make(0)` to `make(count - 1)`, `WAVE` at a time, and returns what they gave, in order. */
export async function inWaves<T>(count: number, make: (index: number) => Promise<T>): Promise<T[]> {
  const made: T[] = [];
  for (let start = 0; start < count; start += WAVE) {
    const size = Math.min(WAVE, count - start);
    made.push(...(await Promise.all(Array.from({ length: size }, (_, offset) => make(start + offset)))));
  }
  return made;
}
