/** The thread of watchdog.ts: looks once a second whether the execution is still the same. */
import { writeSync } from 'node:fs';
import { workerData } from 'node:worker_threads';

const CHECK_MS = 1000;
/** Checks in a row that must find the same execution; 0 is none. */
const CHECKS = 20;

const { numbers, input } = workerData;
let last = 0;
let checks = 0;

setInterval(() => {
  const execution = Atomics.load(numbers, 0);
  checks = execution === last ? checks + 1 : 0;
  last = execution;
  if (checks < CHECKS || execution === 0) return;
  const hex = Buffer.from(input.slice(0, numbers[1])).toString('hex');
  writeSync(2, `FAILED: an execution hangs; input ${hex}\n`);
  process.kill(process.pid, 'SIGKILL');
}, CHECK_MS);
