/** A process that is out of files: each failure has a kind and a cause, what stands goes on, and all works again without a restart. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { FROM_SOURCE } from '@flaminia/testkit';

test('[a1-send-8] [api-11] [a1-inv-1] out of files: connections that stand go on, new ones are told why, and come later', {
  skip: process.platform === 'win32',
}, async () => {
  const script = fileURLToPath(new URL('./exhausted-domus.ts', import.meta.url));
  const node = [process.execPath, ...FROM_SOURCE, script].map((word) => `'${word}'`).join(' ');
  const child = spawn('sh', ['-c', `ulimit -n 200 && exec ${node}`], { stdio: ['ignore', 'pipe', 'inherit'] });
  const exited = once(child, 'exit');
  const facts = (await text(child.stdout)).split('\n');
  const expected: readonly RegExp[] = [
    /^exhausted: EMFILE$/,
    /^a connection that stands: resolved$/,
    /^a new connection: send-timeout not-sent, DomusError: peer-unavailable: .*(EMFILE|files)/,
    /^a stream: send-timeout (not-sent|refused|unknown)/,
    /^another domus: bind-failed not-sent/,
    /^a new connection, later: resolved$/,
    /^a stream, later: resolved$/,
    /^another domus, later: resolved$/,
    /^reserved: 0 0 0$/,
    /^end$/,
  ];
  for (const [i, pattern] of expected.entries()) assert.match(facts[i] ?? '', pattern, facts.join('\n'));
  assert.deepEqual(await exited, [0, null]);
});
