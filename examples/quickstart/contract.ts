// contract.ts: one definition, shared by both sides
import { cbor, endpoint } from '@flaminia/domus';
import { z } from 'zod'; // any Standard Schema: zod, valibot, arktype ...

export const Orders = endpoint('orders', cbor(z.object({ id: z.number(), item: z.string() })));
