/** The program of a child process of {@link runMany}. */
import { type Batch, runBatch } from './batch.ts';

process.on('message', (batch: Batch) => void process.send!(runBatch(batch)));
