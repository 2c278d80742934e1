/**
 * The oracle's eye on blob frames: every chunk and complete that a machine encodes, and every chunk that arrives (rule 6).
 * Owns what each id of a chunk stands for.
 */
import type { PeerSession } from '@flaminia/delivery-a1/internal';
import type { End } from './connection.ts';
import type { Coverage } from './coverage.ts';
import type { ReferenceReader } from './reference-reader.ts';
import { RuleBroken } from './rule-broken.ts';
import type { SessionModel } from './session-model.ts';
import type { ChunkLedger, ChunkNote, StreamEntry } from './stream-entry.ts';

/** Errors that say that a chunk itself is wrong: no sender here gives cause for them. */
const WRONG_CHUNK: readonly number[] = [7, 10, 14, 16, 18, 19];

export class BlobWatch {
  private readonly coverage: Coverage;

  constructor(coverage: Coverage) {
    this.coverage = coverage;
  }

  /** A chunk was encoded. */
  chunkWritten(end: End, model: SessionModel, reader: ReferenceReader, bytes: Uint8Array): ChunkNote {
    const { streamId, chunkId, isLast, id } = reader;
    const stream = model.streams.get(streamId);
    if (stream === undefined) throw new RuleBroken(6, `a chunk of stream #${streamId}, which nobody opened`);
    if (end.callis!.blob?.isProven !== true) throw new RuleBroken(6, 'a chunk on a callis that is not proven');
    this.checkPlace(stream, chunkId, bytes, isLast);
    const { window, chunkBytes } = stream.outbound!.numbers;
    if (bytes.length > chunkBytes)
      throw new RuleBroken(6, `a chunk of ${bytes.length} bytes where ${chunkBytes} were agreed`);
    const { open } = stream.chunks;
    if (open.has(chunkId)) throw new RuleBroken(6, `chunk ${chunkId} is written again while it is unanswered`);
    if (open.size >= window) throw new RuleBroken(6, `${open.size + 1} chunks are unanswered in a window of ${window}`);
    if (isLast) this.checkLast(end, stream.chunks, chunkId);
    const note = { stream, chunkId, id, carrier: end.connection };
    open.set(chunkId, note);
    stream.chunks.lost.delete(chunkId);
    model.chunks.set(id, note);
    return note;
  }

  private checkPlace(stream: StreamEntry, chunkId: number, bytes: Uint8Array, isLast: boolean): void {
    const start = chunkId === 0 ? 0 : stream.ends[chunkId - 1];
    if (start === undefined) throw new RuleBroken(6, `chunk ${chunkId} is written before the one in front of it`);
    stream.check(bytes, start, 'on the wire');
    const known = stream.ends[chunkId];
    if (known === undefined) stream.ends.push(start + bytes.length);
    else if (known !== start + bytes.length) throw new RuleBroken(6, `chunk ${chunkId} has another length than before`);
    else this.coverage.saw('chunk written again');
    if (bytes.length === 0 && !isLast) throw new RuleBroken(6, `chunk ${chunkId} is empty and not the last`);
    if (!isLast && stream.lastChunk === chunkId) throw new RuleBroken(6, 'the last chunk has lost its mark');
    if (isLast && !stream.isEnding) throw new RuleBroken(6, 'a last chunk before the end');
    if (isLast && start + bytes.length !== stream.total) throw new RuleBroken(6, 'the last chunk is not the end');
    if (isLast) stream.lastChunk = chunkId;
  }

  /** Every earlier chunk is answered, or on its way on the same connection. */
  private checkLast(end: End, { open, acked }: ChunkLedger, chunkId: number): void {
    for (let earlier = 0; earlier < chunkId; earlier++) {
      if (!acked.has(earlier) && open.get(earlier)?.carrier !== end.connection)
        throw new RuleBroken(6, `the last chunk is written before chunk ${earlier} is safe`);
    }
    this.coverage.saw('last chunk written');
  }

  /** An answer to a chunk has come back to its sender. */
  answerArrived(model: SessionModel, id: number, errorId: number): void {
    const note = model.chunks.get(id);
    if (note === undefined) return;
    model.chunks.delete(id);
    note.stream.chunks.open.delete(note.chunkId);
    if (errorId === 0) note.stream.chunks.acked.add(note.chunkId);
  }

  /** A chunk has come to its receiver: one that was answered before is answered again. */
  chunkArrived(model: SessionModel, note: ChunkNote): void {
    const { stream, chunkId, id } = note;
    model.arrivedChunks.set(id, note);
    stream.chunks.arrived.add(chunkId);
    // A twin that an earlier callis carried may come behind it.
    const newest = stream.chunks.newestIds.get(chunkId);
    if (newest === undefined || ((id - newest) | 0) > 0) stream.chunks.newestIds.set(chunkId, id);
    if (!stream.chunks.answered.has(chunkId) || stream.chunks.ackedIds.has(id) || stream.inbound?.state !== 'open')
      return;
    stream.chunks.owed.add(id);
    model.owingStreams.add(stream);
  }

  /**
   * An answer was lost with its callis. A sender that still waits for it is to be told again, unless the chunk came on the same
   * callis, or on another that is lost, and is written again for that.
   */
  answerLost(model: SessionModel, id: number, errorId: number, { connection, party }: End): void {
    const note = model.arrivedChunks.get(id);
    if (note === undefined) return;
    const { stream, chunkId } = note;
    const awaited = stream.chunks.open.get(chunkId);
    if (awaited?.id !== id || awaited.carrier === connection) return;
    const { dialler, listener } = awaited.carrier;
    if ((dialler.party === party ? dialler : listener).closed) return;
    if (errorId !== 0) {
      if (stream.chunks.saidAgain.has(id)) return;
      stream.chunks.refused.add(id);
    } else if (stream.inbound?.state === 'open') stream.chunks.owed.add(id);
    model.owingStreams.add(stream);
  }

  /** A blob callis is lost for its sender: answers to what was unanswered, whoever carried it, may be lost with it. */
  carrierLost(model: SessionModel, { callis }: End): void {
    if (callis?.blob === undefined || callis.activatedSequence === 0) return;
    model.chunks.forEach(({ stream, chunkId }) => {
      stream.chunks.open.delete(chunkId);
      stream.chunks.lost.add(chunkId);
      model.orphanStreams.add(stream);
    });
    model.chunks.clear();
  }

  /** A blob callis has taken all that it could: whatever was to be acked is. A close ends streams without errors for their chunks. */
  checkOwed(model: SessionModel, isOpen: boolean): void {
    for (const { chunks, inbound, number } of model.owingStreams) {
      const { owed, refused } = chunks;
      if (!isOpen) refused.clear();
      if (refused.size > 0)
        throw new RuleBroken(
          6,
          `the error for chunk #${[...refused].join(', #')} of stream ${number} is lost for good`,
        );
      if (owed.size > 0 && inbound?.state === 'open')
        throw new RuleBroken(6, `chunk #${[...owed].join(', #')} of stream ${number} has come again and is not acked`);
      owed.clear();
    }
    model.owingStreams.clear();
  }

  /** A blob callis has taken all that it could: what lost ones carried is on its way again, but for last chunks, which may wait. */
  checkReplayed(model: SessionModel): void {
    for (const { chunks, lastChunk, outbound, number } of model.orphanStreams) {
      const isOver = outbound!.state !== 'open' || outbound!.hasCompleted;
      for (const chunkId of isOver ? [] : chunks.lost) {
        if (chunkId !== lastChunk) throw new RuleBroken(6, `chunk ${chunkId} of stream ${number} is not written again`);
      }
    }
    model.orphanStreams.clear();
  }

  /** An answer to a chunk was encoded by the receiver. */
  answerWritten(model: SessionModel, note: ChunkNote, errorId: number): void {
    note.stream.chunks.owed.delete(note.id);
    if (errorId !== 0) {
      if (note.stream.chunks.refused.delete(note.id)) note.stream.chunks.saidAgain.add(note.id);
      if (WRONG_CHUNK.includes(errorId)) throw new RuleBroken(6, `a good chunk is refused with error ${errorId}`);
      this.coverage.saw('chunk refused');
      return;
    }
    const { stream, chunkId } = note;
    const end = stream.ends[chunkId]!;
    const isWhole = stream.lastChunk >= 0 && stream.inbound?.isWhole === true;
    if (!isWhole && end > stream.read)
      throw new RuleBroken(6, `chunk ${chunkId} of stream ${stream.number} is acked before it was read`);
    stream.chunks.answered.add(chunkId);
    stream.chunks.ackedIds.add(note.id);
    this.noteStaleId(model, note);
    // One that comes again is acked as soon as its head is there.
    if (!stream.chunks.arrived.has(chunkId))
      throw new RuleBroken(6, `chunk #${note.id} is acked, but it never arrived`);
  }

  /** An id that a newer one has taken the place of was acked: the sender awaits an ack under the newer. */
  private noteStaleId(model: SessionModel, { stream, chunkId, id }: ChunkNote): void {
    const newest = stream.chunks.newestIds.get(chunkId);
    // One of which only the head is there is newer still.
    const isStale = newest !== undefined && newest !== id && model.arrivedChunks.has(id);
    if (!isStale || stream.chunks.ackedIds.has(newest) || stream.inbound?.state !== 'open') return;
    stream.chunks.owed.add(newest);
    model.owingStreams.add(stream);
  }

  /** Complete was encoded by the receiver. */
  completeWritten(session: PeerSession, streamId: number): void {
    const blob = session.blobs?.inbound.get(streamId);
    if (blob?.isWhole !== true) throw new RuleBroken(6, `complete for stream #${streamId}, which is not`);
    if (blob.completes > 2) throw new RuleBroken(6, 'complete is said for the third time');
    if (blob.completes === 2) this.coverage.saw('complete said again');
  }
}
