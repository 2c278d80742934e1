/**
 * A second decoder of A1 frames, written from the wire document alone and for clarity: the oracle's, against which the
 * real encoder and decoder are held (a1-wire, frame). Shares no code with `delivery-a1`.
 */
const HEADER = 32;

/** What is wrong with the bytes. */
export class WireFault extends Error {
  override readonly name = 'WireFault';
}

/** Reads whole frames one behind the other out of a buffer. The fields are those of the frame read last. */
export class ReferenceReader {
  flags = 0;
  type = 0;
  id = 0;
  dstHi = 0;
  dstLo = 0;
  payloadAt = 0;
  payloadLength = 0;
  /** Error frames: the number; otherwise 0. */
  errorId = 0;
  /** Blob hellos: the two numbers. */
  chunkBytes = 0;
  window = 0;
  /** Chunks and completes: the stream; chunks: which one, and where its bytes lie. */
  streamId = 0;
  chunkId = 0;
  isLast = false;
  bytesAt = 0;
  /** Where the next frame begins. */
  at = 0;

  /** Reads the frame at `from`; it must end at `to` or before. */
  read(view: DataView, from: number, to: number): void {
    if (to - from < HEADER) throw new WireFault(`${to - from} bytes are no header`);
    if (view.getUint16(from) !== 1) throw new WireFault(`version ${view.getUint16(from)}`);
    this.flags = view.getUint16(from + 2);
    this.type = view.getUint32(from + 4);
    this.id = view.getUint32(from + 8);
    if (view.getUint32(from + 12) !== 0 || view.getUint32(from + 16) !== 0) throw new WireFault('src_taberna is not 0');
    this.dstHi = view.getUint32(from + 20);
    this.dstLo = view.getUint32(from + 24);
    this.payloadLength = view.getUint32(from + 28);
    this.payloadAt = from + HEADER;
    this.at = this.payloadAt + this.payloadLength;
    if (this.at > to) throw new WireFault('the frame is longer than the write that holds it');
    this.errorId = 0;
    if (this.type > 0xffff) this.checkMessage();
    else this.checkControl(view);
  }

  private checkMessage(): void {
    if ((this.flags & ~1) !== 0) throw new WireFault(`flags ${this.flags} on a message`);
  }

  private checkControl(view: DataView): void {
    const { type, flags, id, payloadLength } = this;
    if (this.dstHi !== 0 || this.dstLo !== 0) throw new WireFault('dst_taberna on a control frame');
    if (type === 1 || type === 2) {
      if ((flags & ~3) !== 0) throw new WireFault(`flags ${flags} on a hello`);
    } else if (flags !== 0) throw new WireFault(`flags ${flags} on type ${type}`);
    if ((type === 3 || type === 5 || type === 1) && id !== 0) throw new WireFault(`id ${id} on type ${type}`);
    if (type === 6) this.readError(view);
    else if (type === 8) this.readChunk(view);
    else if (type === 9) this.readComplete(view);
    else if (type <= 2 && (flags & 1) !== 0) this.readNumbers(view);
    else if (type < 1 || type > 5) throw new WireFault(`type ${type}`);
    else if (payloadLength !== 0) throw new WireFault(`payload on type ${type}`);
  }

  private readNumbers(view: DataView): void {
    if (this.payloadLength !== 8) throw new WireFault('length of a blob hello');
    this.chunkBytes = view.getUint32(this.payloadAt);
    this.window = view.getUint32(this.payloadAt + 4);
    if (this.chunkBytes === 0 || this.window === 0) throw new WireFault('a blob window of nothing');
  }

  private readChunk(view: DataView): void {
    if (this.payloadLength < 18) throw new WireFault('length of a chunk');
    const at = this.payloadAt;
    this.streamId = view.getUint32(at);
    this.chunkId = Number(view.getBigUint64(at + 4));
    const flags = view.getUint16(at + 12);
    if (flags > 1) throw new WireFault(`flags ${flags} on a chunk`);
    this.isLast = flags === 1;
    this.bytesAt = at + 18;
    if (view.getUint32(at + 14) !== this.payloadLength - 18) throw new WireFault('chunk_len');
    if (this.payloadLength === 18 && !this.isLast) throw new WireFault('an empty chunk that is not the last');
  }

  private readComplete(view: DataView): void {
    if (this.payloadLength !== 4) throw new WireFault('length of a complete');
    this.streamId = view.getUint32(this.payloadAt);
  }

  private readError(view: DataView): void {
    if (this.payloadLength < 4 || this.payloadLength > 4 + 1024) throw new WireFault('length of an error');
    this.errorId = view.getUint32(this.payloadAt);
    if (this.errorId < 1 || this.errorId > 26) throw new WireFault(`error id ${this.errorId}`);
  }
}
