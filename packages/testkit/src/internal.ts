/** The door for tests of the facade and of what stands on it; it loads the facade. */
export { assertEmpty, assertEnded, watchedEnd } from './watched-end.ts';
