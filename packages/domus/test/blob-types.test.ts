/** What the type check says about blob streams: the wrong kind of endpoint, and `blob` where there is none, do not compile. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { BlobReceiver, BlobSender, Domus, TabernaRequest } from '../src/index.ts';
import { type BlobEndpoint, blobEndpoint, endpoint, json } from '../src/index.ts';

interface FileInfo {
  readonly name: string;
}

const Files: BlobEndpoint<FileInfo> = blobEndpoint('files', json<FileInfo>());
const Plain = endpoint('plain', json<FileInfo>());

/** True where two types are the same. */
type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;

function same<A, B>(..._: Same<A, B> extends true ? [] : [never]): void {}

/** Never called: it is compiled. */
export async function compiled(domus: Domus): Promise<void> {
  await domus.serve(Files, (info, request) => {
    same<typeof info, FileInfo>();
    same<typeof request, TabernaRequest<FileInfo, BlobReceiver>>();
    same<typeof request.blob, BlobReceiver>();
    const { blob, message } = request.split();
    same<typeof blob, BlobReceiver>();
    same<typeof message, FileInfo>();
  });
  await domus.serve(Plain, (_, request) => {
    same<typeof request.blob, undefined>();
    // @ts-expect-error: a message without a stream has nothing to read
    request.blob.read();
  });
  const inbox = await domus.taberna(Files);
  for await (const request of inbox) same<typeof request.blob, BlobReceiver>();
  const other = await domus.taberna(Plain);
  for await (const request of other) same<typeof request.blob, undefined>();
  const sender = await domus.sendBlob(Files, { name: 'file' });
  same<typeof sender, BlobSender>();
  // @ts-expect-error: the message is not one of the endpoint
  await domus.sendBlob(Files, { nome: 'file' });
  // @ts-expect-error: messages of this endpoint have no stream
  await domus.sendBlob(Plain, { name: 'file' });
  // @ts-expect-error: a stream is not opened by `send`
  await domus.send(Files, { name: 'file' });
}

test('[api-83] [api-80] blob is typed on blob endpoints, and on those alone', () => {
  assert.equal(typeof compiled, 'function');
  assert.deepEqual([Files.kind, Plain.kind, Files.name], ['blob', 'message', 'files']);
});
