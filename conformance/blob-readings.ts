/** What the tabernae of one subject have read of blobs, by the numbers of these. */
import { EventBacklog } from '../interop/event-backlog.ts';
import type { BlobReading } from './implementation.ts';
import { PATIENCE_MS } from './patience.ts';

export class BlobReadings {
  readonly #backlog = new EventBacklog<BlobReading>('the implementation', ({ number }) => `reading ${number}`);

  note(reading: BlobReading): void {
    this.#backlog.add(reading);
  }

  /** What was read of a blob, once its taberna has done with it. */
  of(number: number): Promise<BlobReading> {
    const isIt = (reading: BlobReading): reading is BlobReading => reading.number === number;
    return this.#backlog.next(`reading ${number}`, isIt, PATIENCE_MS);
  }
}
