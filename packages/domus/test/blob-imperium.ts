/** What the tests of blob streams share: an endpoint, two domus in memory, and the proof that nothing is left behind. */
import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import type { BlobReceiver } from '../src/blob-receiver.ts';
import type { BlobSender } from '../src/blob-sender.ts';
import type { DomusConfig } from '../src/config.ts';
import type { Domus } from '../src/domus.ts';
import { type BlobEndpoint, blobEndpoint } from '../src/endpoint.ts';
import { json } from '../src/json.ts';
import type { TabernaRequest } from '../src/taberna-request.ts';
import { Bench, gate, Numbers, rest } from './memory-bench.ts';

/** An inbox of named files. */
export const Files: BlobEndpoint<string> = blobEndpoint('files', json<string>());

export type FileRequest = TabernaRequest<string, BlobReceiver>;

export const KIB = 1024;

/** Windows of 64 KiB, and room for four streams each way. */
export const SMALL: Partial<DomusConfig> = {
  blobWindow: { chunkSize: 4 * KIB, ackWindow: 16 },
  blobOutboundBufferBytes: 256 * KIB,
  blobInboundBufferBytes: 256 * KIB,
};

/** Bytes without a pattern that a mistake would keep. */
export function pattern(length: number): Buffer {
  const bytes = Buffer.alloc(length);
  let state = length + 1;
  for (let i = 0; i < length; i++) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    bytes[i] = state >>> 24;
  }
  return bytes;
}

/** Serves the files with a handler that accepts, and reads only once it is told to. */
export async function heldReader(worker: Domus): Promise<{ received: number; go(): void }> {
  const read = gate();
  const reader = { received: 0, go: () => read.open() };
  await worker.serve(Files, async (_, request) => {
    request.accept();
    await read.passed;
    for await (const part of request.blob) reader.received += part.length;
  });
  return reader;
}

/** Two domus in memory, of which `worker` hosts the files, on a clock that stands still. */
export interface BlobWorld {
  readonly bench: Bench;
  readonly gateway: Domus;
  readonly worker: Domus;
  /** Resolves with the sending end of a stream to `worker`. */
  send(name?: string, signal?: AbortSignal): Promise<BlobSender>;
  /** No stream is under way, and nothing is reserved. */
  expectFree(): Promise<void>;
}

export async function blobWorld(t: TestContext, config: Partial<DomusConfig> = SMALL): Promise<BlobWorld> {
  const bench = new Bench(t);
  const [gateway, worker] = [await bench.open(1, { config }), await bench.open(2, { config })];
  await acquaint(bench, gateway, worker);
  return {
    bench,
    gateway,
    worker,
    send: (name = 'file', signal) =>
      gateway.sendBlob(Files, name, { to: worker.address, ...(signal === undefined ? {} : { signal }) }),
    async expectFree() {
      await rest();
      for (const domus of [gateway, worker]) expectFree(domus);
    },
  };
}

/** Connects two domus, and lets so much time pass that a message which opens a stream waits no more on the new primary. */
export async function acquaint(bench: Bench, gateway: Domus, worker: Domus): Promise<void> {
  const serving = await worker.serve(Numbers, () => {});
  await gateway.send(Numbers, 1, { to: worker.address });
  await serving.close();
  await bench.advance(25);
}

/** Nothing of a stream is left at a domus. */
export function expectFree(domus: Domus): void {
  const { core } = domus.delivery;
  assert.deepEqual([core.blobsOut.reserved, core.blobsIn.reserved], [0, 0], 'reserved bytes');
  assert.equal(core.local.hasStreams, false);
  for (const peer of core.peers.values()) assert.notEqual(peer.blobs?.isEmpty, false, 'a stream is left');
}

/** All that a stream gives. */
export async function readAll(stream: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  for await (const part of stream) parts.push(part);
  return Buffer.concat(parts);
}

/** Takes a request by hand; the worker must have no other inbox for the files. */
export async function takeOne(worker: Domus): Promise<FileRequest> {
  const inbox = await worker.taberna(Files);
  return inbox.receive();
}
