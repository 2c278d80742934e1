// accounts.ts
import { service, unary } from '@flaminia/domus/services';
import { z } from 'zod';

const Account = z.object({ account: z.string() });

export const Accounts = service('accounts', 'v1', {
  balance: unary({ input: Account, output: z.number(), idempotent: true }),
  close: unary({ input: Account, output: z.null() }),
});
