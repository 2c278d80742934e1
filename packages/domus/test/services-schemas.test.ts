/** Services whose schemas come from zod, valibot and arktype: the types follow, and what arrives is checked by them. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type } from 'arktype';
import * as v from 'valibot';
import { z } from 'zod';
import { anyAuthenticatedPeer, type Client, Imperium, service, staticDiscovery, unary } from '../src/services.ts';
import { imperium as worldOf } from './memory-bench.ts';

const Zod = service('zod', 'v1', {
  double: unary({ input: z.object({ n: z.number().default(1) }), output: z.object({ n: z.number() }) }),
});
const Valibot = service('valibot', 'v1', {
  double: unary({ input: v.object({ n: v.optional(v.number(), 1) }), output: v.object({ n: v.number() }) }),
});
const Arktype = service('arktype', 'v1', {
  double: unary({ input: type({ n: 'number = 1' }), output: type({ n: 'number' }) }),
});

interface Doubling {
  double(input: { n?: number }): Promise<{ n: number }>;
}

for (const [library, Service] of [
  ['zod', Zod],
  ['valibot', Valibot],
  ['arktype', Arktype],
] as const) {
  test(`[case-48] schemas of ${library} fill in, check inputs and check outputs`, async (t) => {
    const world = worldOf(t);
    const [a, b] = [await world.domus('a'), await world.domus('b')];
    const discovery = staticDiscovery([{ address: a.address, services: [`${library}/v1`] }]);
    const [provider, gateway] = [await Imperium.join(a), await Imperium.join(b, { discovery })];
    t.after(() => Promise.all([provider, gateway].map((each) => each.leave({ drainTimeout: 0 }))));
    const double = ({ n }: { n: number }) => (n === 13 ? ({ n: 'bad luck' } as never) : { n: 2 * n });
    await provider.provide(Service as typeof Zod, { double }, { verifier: anyAuthenticatedPeer() });
    const client: Doubling = gateway.client(Service as typeof Zod);
    assert.deepEqual(await client.double({ n: 4 }), { n: 8 });
    assert.deepEqual(await client.double({}), { n: 2 }, 'the default was filled in by the provider');
    await assert.rejects(client.double({ n: 'four' as never }), {
      code: 'invalid-argument',
      message: 'the input does not fit its schema at n',
    });
    await assert.rejects(client.double({ n: 13 }), {
      code: 'internal',
      message: 'the output does not fit its schema at n',
    });
  });
}

test('[case-48] handlers and clients have the types of their schemas', () => {
  type ZodClient = Client<typeof Zod>;
  type ArktypeClient = Client<typeof Arktype>;
  type ValibotClient = Client<typeof Valibot>;
  const good: Parameters<ZodClient['double']>[0] = { n: 1 };
  // @ts-expect-error: n is a number
  const bad: Parameters<ArktypeClient['double']>[0] = { n: 'x' };
  const output: Awaited<ReturnType<ValibotClient['double']>>['n'] = 3;
  // @ts-expect-error: there is no such procedure
  type Missing = ZodClient['triple'];
  assert.ok(good && bad && output && (true as unknown as Missing));
});
