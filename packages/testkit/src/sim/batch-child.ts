/** The program of a child process of {@link runMany}. */
import { type Batch, runBatch } from './batch.ts';

// Nobody reads a stack here: a seed that failed runs again in the parent. Errors are made by the thousand.
Error.stackTraceLimit = 0;
process.on('message', (batch: Batch) => void process.send!(runBatch(batch)));
