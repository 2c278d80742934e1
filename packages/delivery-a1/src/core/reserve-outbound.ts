/** What an outgoing blob stream reserves before its message is taken (a1-blobs, life of a stream). */
import type { OutboundBlob } from './outbound-blob.ts';
import type { SessionContext } from './session-context.ts';
import { fullText } from './session-failures.ts';

/** Reserves the most that a stream can hold here, whatever is agreed on later. Fails it where there is no room. */
export function reserveOutbound(context: SessionContext, blob: OutboundBlob, bytes: number, peer: string): boolean {
  const cap = context.settings.blobOutboundBufferBytes;
  blob.peer = peer;
  blob.reservation = context.blobsOut.reserve(bytes, cap);
  if (blob.reservation !== undefined) return true;
  const text = fullText('outbound', cap);
  blob.failed({ kind: 'blob-buffer-full', text, delivery: 'not-sent', cause: undefined }, peer);
  return false;
}
