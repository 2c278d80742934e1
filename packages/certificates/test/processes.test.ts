/** The development store between real processes: racing for it, dying in it, and starting without the library. */
import assert from 'node:assert/strict';
import { type ChildProcess, fork } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { devAuth } from '@flaminia/certificates';
import { FROM_SOURCE } from '@flaminia/testkit';
import { scratchFolder } from './scratch.ts';
import type { Answer, Order } from './store-process.ts';

const PROGRAM = fileURLToPath(new URL('./store-process.ts', import.meta.url));
const ROUNDS = 40;

function start(t: TestContext): ChildProcess {
  const child = fork(PROGRAM, { execArgv: [...FROM_SOURCE], stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
  t.after(async () => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    child.disconnect();
    await once(child, 'exit');
  });
  return child;
}

async function ask(child: ChildProcess, order: Order): Promise<Answer> {
  child.send(order);
  const [answer] = await once(child, 'message');
  assert.equal((answer as { error?: string }).error, undefined);
  return answer as Answer;
}

test('[api-51] [case-6] processes that start at once on an empty folder end with one authority, in every round', async (t) => {
  const folder = scratchFolder(t);
  const children = [start(t), start(t), start(t)];
  for (let round = 0; round < ROUNDS; round++) {
    const directory = join(folder, `round-${round}`);
    const answers = await Promise.all(
      children.map((child, index) => ask(child, { directory, nodeId: round % 2 === 0 ? 'same' : `node-${index}` })),
    );
    const stored = readFileSync(join(directory, 'development', 'authority', 'certificate.pem'), 'utf8');
    const authority = new X509Certificate(stored);
    for (const { ca, cert } of answers) {
      assert.equal(ca, stored, `round ${round}`);
      assert.ok(new X509Certificate(cert).verify(authority.publicKey), `round ${round}`);
    }
    assert.deepEqual(readdirSync(join(directory, 'development')).sort(), ['authority', 'leaves'], `round ${round}`);
    const leaves = readdirSync(join(directory, 'development', 'leaves'));
    assert.equal(leaves.length, round % 2 === 0 ? 1 : children.length, `round ${round}`);
  }
});

/** Steps of making the store, by call: before and between the files of the authority, before each rename, in a leaf. */
const DEATHS: readonly NonNullable<Order['dieAt']>[] = [
  { step: 'mkdtemp', call: 1 },
  { step: 'open', call: 3 },
  { step: 'rename', call: 1 },
  { step: 'rename', call: 2 },
];

for (const dieAt of DEATHS) {
  test(`[api-51] [case-7] a process killed at ${dieAt.step} number ${dieAt.call} leaves a store that the next can use`, async (t) => {
    const directory = scratchFolder(t);
    const child = start(t);
    child.send({ directory, nodeId: 'doomed', dieAt } satisfies Order);
    assert.deepEqual(await once(child, 'exit'), [null, 'SIGKILL']);

    const { ca, cert } = await devAuth({ nodeId: 'doomed', directory })('tcp://127.0.0.1:7000');
    assert.ok(new X509Certificate(cert).verify(new X509Certificate(ca).publicKey));
    assert.equal((await devAuth({ nodeId: 'other', directory })('tcp://127.0.0.1:7000')).ca, ca);
  });
}

test('[case-2] the certificate library is loaded to issue, and not to start with a leaf that is there', async (t) => {
  const directory = scratchFolder(t);
  const first = await ask(start(t), { directory, nodeId: 'a' });
  assert.equal(first.libraryLoaded, true);
  const second = await ask(start(t), { directory, nodeId: 'a' });
  assert.deepEqual(second, { ...first, libraryLoaded: false });
});
