// A second contract: tokens that carry permissions, and guards that ask for some. Who owns a token is what its owner's
// certificate says, never what a message says.
import { randomBytes } from 'node:crypto';
import {
  allowList,
  type Imperium,
  nodeType,
  ProcedureError,
  type Provision,
  service,
  unary,
} from '@flaminia/domus/services';
import { z } from 'zod';

const Permissions = z.array(z.string()).max(100);

export const Authorization = service('authorization', 'v1', {
  getToken: unary({
    input: z.object({ permissions: Permissions }),
    output: z.object({ token: z.string(), owner: z.string(), permissions: Permissions }),
  }),
  registerGuard: unary({
    input: z.object({ guard: z.string(), needs: Permissions }),
    output: z.null(),
    idempotent: true,
  }),
  validateGuard: unary({
    input: z.object({ guard: z.string(), token: z.string() }),
    output: z.object({ allowed: z.boolean(), owner: z.string(), missing: Permissions }),
    idempotent: true,
  }),
  revokeToken: unary({ input: z.object({ token: z.string() }), output: z.null(), idempotent: true }),
});

export function provideAuthorization(imperium: Imperium): Promise<Provision> {
  const tokens = new Map<string, { readonly owner: string; readonly permissions: string[] }>();
  const guards = new Map<string, string[]>();
  const held = (token: string): { readonly owner: string; readonly permissions: string[] } => {
    const found = tokens.get(token);
    if (found === undefined) throw new ProcedureError('unauthorized', 'the token is unknown or revoked');
    return found;
  };
  return imperium.provide(
    Authorization,
    {
      getToken({ permissions }, { caller }) {
        const token = randomBytes(24).toString('base64url');
        const owner = caller.nodeId!; // nobody without one gets so far
        tokens.set(token, { owner, permissions });
        return { token, owner, permissions };
      },
      registerGuard({ guard, needs }) {
        guards.set(guard, needs);
        return null;
      },
      validateGuard({ guard, token }) {
        const { owner, permissions } = held(token);
        const needs = guards.get(guard);
        // A guard that cannot decide refuses.
        if (needs === undefined) throw new ProcedureError('unauthorized', `there is no guard ${guard}`);
        const missing = needs.filter((need) => !permissions.includes(need));
        return { allowed: missing.length === 0, owner, missing };
      },
      revokeToken({ token }, { caller }) {
        if (held(token).owner !== caller.nodeId) throw new ProcedureError('unauthorized', 'the token is not yours');
        tokens.delete(token);
        return null;
      },
    },
    {
      verifier: allowList(Authorization, {
        getToken: [nodeType('gateway'), nodeType('worker')],
        revokeToken: [nodeType('gateway'), nodeType('worker')],
        registerGuard: [nodeType('worker')],
        validateGuard: [nodeType('worker')],
      }),
    },
  );
}
