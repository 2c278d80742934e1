/**
 * Whose turn it is among the outgoing streams of a session: those that have chunks to write stand in a queue, and whoever has had its turn
 * goes to its end (a1-bsend-12). Streams that have nothing to write cost nothing.
 */
import type { OutboundBlob } from './outbound-blob.ts';

export class StreamTurns {
  private readonly queue: OutboundBlob[] = [];

  /** This stream may have something to write. */
  add(blob: OutboundBlob): void {
    if (blob.isInTurn || !blob.hasChunks) return;
    blob.isInTurn = true;
    this.queue.push(blob);
  }

  /** It is over. */
  remove(blob: OutboundBlob): void {
    if (!blob.isInTurn) return;
    blob.isInTurn = false;
    this.queue.splice(this.queue.indexOf(blob), 1);
  }

  /** Is there a chunk for this callis? */
  has(serial: number): boolean {
    return this.queue.some((blob) => blob.hasReplay(serial) || blob.hasFresh(serial));
  }

  /** The stream that writes next on this callis: one that writes again comes before those that write for the first time. */
  next(serial: number): OutboundBlob | undefined {
    const { queue } = this;
    while (queue.length > 0 && !queue[0]!.hasChunks) this.remove(queue[0]!);
    let at = queue.findIndex((blob) => blob.hasReplay(serial));
    if (at < 0) at = queue.findIndex((blob) => blob.hasFresh(serial));
    if (at < 0) return undefined;
    const [blob] = queue.splice(at, 1);
    queue.push(blob!);
    return blob;
  }
}
