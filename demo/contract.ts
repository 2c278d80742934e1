/** What the gateway and the workers of the demo share: orders, a file, its check, and where each worker takes them. */
import { type BlobEndpoint, blobEndpoint, cbor, type Endpoint, endpoint } from '@flaminia/domus';
import { z } from 'zod';

const OrderSchema = z.object({
  id: z.number().int().nonnegative(),
  item: z.string(),
  quantity: z.number().int().positive(),
});

const FileInfoSchema = z.object({ name: z.string() });

const CheckSchema = z.object({ bytes: z.number().int().nonnegative(), sha256: z.string().length(64) });

export type Order = z.infer<typeof OrderSchema>;

/** What the bytes of a stream are. */
export type FileInfo = z.infer<typeof FileInfoSchema>;

/** What was sent, as the sender knows it: whoever accepts it has got the same. */
export type Check = z.infer<typeof CheckSchema>;

/** The inbox for orders of one worker. */
export function ordersOf(worker: string): Endpoint<Order> {
  return endpoint(`orders/${worker}`, cbor(OrderSchema));
}

/** The inbox for files of one worker. */
export function filesOf(worker: string): BlobEndpoint<FileInfo> {
  return blobEndpoint(`files/${worker}`, cbor(FileInfoSchema));
}

/** The inbox for the check that follows a file. */
export function checksOf(worker: string): Endpoint<Check> {
  return endpoint(`checks/${worker}`, cbor(CheckSchema));
}
