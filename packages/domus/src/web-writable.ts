/**
 * A `Writable` of bytes as a stream of the web. Not `Writable.toWeb`: that takes `writableHighWaterMark` for a count of chunks, so
 * that 16 KiB of room became 16,384 chunks, and it loses a chunk that is written while the stream below waits for its drain.
 *
 * 1. What waits here is counted in bytes, and one chunk at a time is below.
 * 2. Each side learns of the other's end: an abort, a close, a failure, a chunk that is none.
 */
import { finished, type Writable } from 'node:stream';
import { WritableStream } from 'node:stream/web';

/** `giveUp`: destroys the stream with the reason of an abort, whatever that is. */
export function webWritable(stream: Writable, giveUp: (reason: unknown) => void): WritableStream<Uint8Array> {
  const highWaterMark = stream.writableHighWaterMark;
  // A write that is under way when the stream fails is never called back.
  let fail: (error: Error) => void = () => {};
  let closed: (() => void) | undefined;
  let isBusy = false;
  const step = (run: (resolve: () => void) => void): Promise<void> => {
    isBusy = true;
    return new Promise<void>((resolve, reject) => {
      fail = reject;
      run(resolve);
    }).finally(() => {
      isBusy = false;
    });
  };
  return new WritableStream<Uint8Array>(
    {
      start(controller) {
        finished(stream, (error) => {
          if (!error && closed !== undefined) return closed();
          const reason = error ?? new DOMException('the stream was ended by its other form', 'AbortError');
          controller.error(reason);
          fail(reason);
        });
        // `abort` is called behind what is under way, which may wait for the far side for ever. Node's types know no signal here.
        const { signal } = controller as unknown as { readonly signal: AbortSignal };
        signal.addEventListener('abort', () => {
          if (isBusy) giveUp(signal.reason);
        });
      },
      write: (chunk) =>
        step((resolve) => {
          try {
            stream.write(chunk, (error) => (error ? fail(error) : resolve()));
          } catch (error) {
            // Not bytes: this form fails by itself, the one below must be told.
            stream.destroy(error as Error);
            throw error;
          }
        }),
      close: () =>
        step((resolve) => {
          closed = resolve;
          stream.end();
        }),
      abort: giveUp,
    },
    // What is not bytes counts as much as there is room, and is left to `write`.
    { highWaterMark, size: (chunk) => chunk?.byteLength ?? highWaterMark },
  );
}
