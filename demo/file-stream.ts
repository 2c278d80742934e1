/**
 * The stream of the demo: a file goes to one worker while orders flow, its connections are cut on the way, and a check that
 * the worker has got the same bytes ends it.
 */
import { createHash } from 'node:crypto';
import { basename } from 'node:path';
import { pipeline } from 'node:stream/promises';
import type { BlobSender, Domus } from '@flaminia/domus';
import { checksOf, filesOf } from './contract.ts';
import { type NodeSetup, type StreamFigures, type StreamSetup, tell } from './processes.ts';
import type { AcceptedSockets } from './sockets.ts';
import { bytesOf } from './stream-source.ts';

export class FileStream {
  private readonly domus: Domus;
  private readonly setup: StreamSetup;
  private readonly worker: NodeSetup;
  private readonly sockets: AcceptedSockets;
  private readonly hash = createHash('sha256');
  private blob: BlobSender | undefined = undefined;
  private readBytes = 0;
  private startedAt = 0;
  private seconds = 0;
  private cutAt: number | undefined = undefined;

  constructor(domus: Domus, setup: StreamSetup, worker: NodeSetup, sockets: AcceptedSockets) {
    this.domus = domus;
    this.setup = setup;
    this.worker = worker;
    this.sockets = sockets;
  }

  /** Streams the whole file. Resolves when the worker has accepted the check. */
  async run(stopped: AbortSignal): Promise<void> {
    const { domus, setup, worker } = this;
    const name = setup.file === undefined ? 'made up' : basename(setup.file);
    this.startedAt = performance.now();
    void this.watchResumption(stopped);
    const blob = await domus.sendBlob(filesOf(worker.name), { name }, { signal: stopped });
    this.blob = blob;
    blob.on('progress', () => tell(this.report()));
    await pipeline(bytesOf(setup.file, setup.bytes), (pieces) => this.pass(pieces, blob), blob);
    this.seconds = (performance.now() - this.startedAt) / 1000;
    tell(this.report());
    // The end of the stream says that every byte has arrived. What the worker made of them only a message can say.
    await domus.send(checksOf(worker.name), { bytes: this.readBytes, sha256: this.hash.digest('hex') });
  }

  /** How far it is. */
  private report(): { readonly kind: 'stream' } & StreamFigures {
    const { blobs } = this.domus.reporting.snapshot();
    const seconds = this.seconds === 0 ? (performance.now() - this.startedAt) / 1000 : this.seconds;
    return { kind: 'stream', acknowledged: this.blob?.bytesAcknowledged ?? 0, chunksOut: blobs.chunksOut, seconds };
  }

  /** Hands on what is read, and remembers it. */
  private async *pass(pieces: AsyncIterable<Uint8Array>, blob: BlobSender): AsyncGenerator<Uint8Array> {
    for await (const piece of pieces) {
      this.hash.update(piece);
      this.readBytes += piece.length;
      if (this.readBytes * 2 >= this.setup.bytes) this.cutInTheMiddle(blob);
      yield piece;
    }
    // The last chunk of a stream leaves when it ends, so that of a small file there is still something to come.
    if (this.readBytes > 0) this.cutOnce(blob);
  }

  /** While chunks are on their way: those are what a cut destroys. */
  private cutInTheMiddle(blob: BlobSender): void {
    if (this.domus.reporting.snapshot().blobs.bytesOut > blob.bytesAcknowledged) this.cutOnce(blob);
  }

  private cutOnce({ bytesAcknowledged }: BlobSender): void {
    if (this.cutAt !== undefined) return;
    this.cutAt = performance.now();
    tell({ kind: 'cut', acknowledged: bytesAcknowledged, sockets: this.sockets.cut() });
  }

  private async watchResumption(stopped: AbortSignal): Promise<void> {
    for await (const event of this.domus.reporting.events({ signal: stopped })) {
      if (event.kind !== 'blob-callis-connected' || this.cutAt === undefined) continue;
      tell({ kind: 'resumed', afterMs: performance.now() - this.cutAt });
      return;
    }
  }
}
