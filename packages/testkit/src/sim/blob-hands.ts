/**
 * The two ends of a blob stream in the hands of a scenario: they do what a program would, one step at a time. Each call is a
 * turn of its domus.
 */
import type { BlobOwner, InboundBlob, OutboundBlob, SendFailure } from '@flaminia/delivery-a1/internal';
import type { VirtualDomus } from './virtual-domus.ts';

/** The writing end. */
export class WritingHand implements BlobOwner {
  readonly blob: OutboundBlob;
  private readonly domus: VirtualDomus;
  private poured: Buffer = Buffer.alloc(0);
  private endsThen = false;

  constructor(domus: VirtualDomus) {
    this.domus = domus;
    this.blob = domus.core.newBlob(this);
  }

  get state(): OutboundBlob['state'] {
    return this.blob.state;
  }

  get failure(): SendFailure | undefined {
    return this.blob.failure;
  }

  /** Bytes of `pour` that have not been placed. */
  get waiting(): number {
    return this.poured.length;
  }

  /** Writes what there is room for; returns how many bytes that were. */
  write(bytes: string | Uint8Array): number {
    const given = typeof bytes === 'string' ? Buffer.from(bytes) : bytes;
    const placed = this.blob.write(given, 0, given.length, this.domus.now());
    this.domus.programActed();
    return placed;
  }

  /** Writes everything, as room comes, and then ends. */
  pour(bytes: string | Uint8Array): void {
    this.poured = Buffer.from(bytes);
    this.endsThen = true;
    this.moved();
    this.domus.programActed();
  }

  flush(): void {
    this.blob.flush(this.domus.now());
    this.domus.programActed();
  }

  end(): void {
    this.blob.end(this.domus.now());
    this.domus.programActed();
  }

  /** Gives the stream up. */
  abort(): void {
    this.blob.abort(GIVEN_UP, this.domus.now());
    this.domus.programActed();
  }

  /** As the machine tells it. */
  moved(): void {
    if (!this.endsThen || this.blob.state !== 'open') return;
    const now = this.domus.now();
    const placed = this.blob.write(this.poured, 0, this.poured.length, now);
    this.poured = this.poured.subarray(placed);
    if (this.poured.length > 0) return;
    this.endsThen = false;
    this.blob.end(now);
  }
}

/** The reading end. */
export class ReadingHand implements BlobOwner {
  readonly blob: InboundBlob;
  /** Reads everything as it comes. */
  isGreedy = false;
  private readonly domus: VirtualDomus;
  private readonly parts: Buffer[] = [];

  constructor(domus: VirtualDomus, blob: InboundBlob) {
    this.domus = domus;
    this.blob = blob;
    blob.owner = this;
  }

  get state(): InboundBlob['state'] {
    return this.blob.state;
  }

  get failure(): SendFailure | undefined {
    return this.blob.failure;
  }

  /** What was read so far. */
  get text(): string {
    return this.bytes.toString();
  }

  get bytes(): Buffer {
    return Buffer.concat(this.parts);
  }

  /** Reads the next piece; the one before counts as used. Undefined where nothing is there. */
  read(): string | undefined {
    const piece = this.take();
    this.domus.programActed();
    return piece?.toString();
  }

  /** Reads all that is there; from now on nothing stays. */
  drain(): void {
    while (this.take() !== undefined);
    this.domus.programActed();
  }

  /** Gives the stream up. */
  leave(): void {
    this.blob.leave(GIVEN_UP, this.domus.now());
    this.domus.programActed();
  }

  /** As the machine tells it. */
  moved(): void {
    if (this.isGreedy) while (this.take() !== undefined);
  }

  private take(): Buffer | undefined {
    const piece = this.blob.read(this.domus.now());
    if (piece !== undefined) this.parts.push(Buffer.from(piece));
    return piece;
  }
}

const GIVEN_UP: SendFailure = {
  kind: 'peer-unavailable',
  text: 'given up here',
  delivery: 'unknown',
  cause: undefined,
  detail: 'stream-aborted',
};
