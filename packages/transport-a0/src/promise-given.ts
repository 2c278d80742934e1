/** Promises where a program should have answered at once; only one without a type check gives them. */

/**
 * True for a promise, of any realm or library. Nobody waits for it then, and it may reject: somebody has to take notice of
 * that, or the process ends.
 */
export function dropPromise(given: unknown): given is PromiseLike<unknown> {
  if ((typeof given !== 'object' && typeof given !== 'function') || given === null) return false;
  if (typeof (given as Partial<PromiseLike<unknown>>).then !== 'function') return false;
  Promise.resolve(given).catch(() => {});
  return true;
}
