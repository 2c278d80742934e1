/** The demo as a newcomer runs it: its outcome, its words, and that it leaves nothing behind. */
import assert from 'node:assert/strict';
import { statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { assertCut, assertServices, assertSummary, leftovers, run, scratch } from './run-demo.ts';

// Two at a time: a run is mostly the start of its processes.
describe('a run', { concurrency: 2 }, () => {
  const file = join(scratch, 'lines.txt');
  const oddLines = [
    'one',
    '',
    'three, with ünïcode 🛶',
    ...new Array<string>(1996).fill('line'),
    'the last, without an end',
  ];
  writeFileSync(file, oddLines.join('\n'));
  const rows = [
    { over: 'mutual TLS', what: '2,000 orders', bytes: 33_554_432, args: ['--orders', '2000'] },
    {
      over: 'Unix sockets',
      what: '2,000 lines of .*lines\\.txt',
      bytes: statSync(file).size,
      args: ['--socket', file],
    },
  ];

  for (const { over, what, bytes, args } of rows) {
    test(`over ${over} a stream is cut and a worker killed; nothing is lost, changed or applied twice, and no call of a service fails`, async () => {
      const result = await run(args);
      assertSummary(result, 2000, bytes);
      assertCut(result.stdout);
      assertServices(result.stdout);
      assert.match(result.stdout, new RegExp(`^Flaminia: one gateway, two workers, ${what} over ${over}`));
      assert.match(
        result.stdout,
        /\nworker-2 was killed after [\d,]+ orders\n(?:.*\n)*worker-2 is back, with its journal\n/,
      );
      assert.ok(!result.stdout.includes('\r'), 'plain lines where nobody watches a terminal');
    });
  }

  test('a file that cannot be read is said so, and nothing is started', async () => {
    const unreadable: [string, RegExp][] = [
      [join(scratch, 'nowhere.txt'), /^cannot read .*nowhere\.txt: no such file\n$/],
      [scratch, /^cannot read .*: it is a folder\n$/],
      ['/dev/null', /^cannot read \/dev\/null: it is not a regular file\n$/],
    ];
    const results = await Promise.all(unreadable.map(([path]) => run([path])));
    for (const [i, { code, stdout, stderr }] of results.entries()) {
      assert.deepEqual([code, stdout], [2, '']);
      assert.match(stderr, unreadable[i]![1]);
    }
  });

  test('arguments that cannot be meant are refused with the usage', async () => {
    const rows: [string[], RegExp][] = [
      [['--orders', 'many'], /--orders must be a whole number, 0 to 10,000,000, got "many"/],
      [['--orders', ''], /got ""/],
      [['--orders=-1'], /got "-1"/],
      [['--orders', '10000001'], /got "10000001"/],
      [['--fast'], /--fast/],
      [['a', 'b'], /one FILE at most/],
    ];
    const results = await Promise.all(rows.map(([args]) => run(args)));
    for (const [i, { code, stdout, stderr }] of results.entries()) {
      assert.deepEqual([code, stdout], [2, '']);
      assert.match(stderr, rows[i]![1]);
      assert.match(stderr, /usage: npm start/);
    }
    const help = await run(['--help']);
    assert.deepEqual([help.code, help.stderr], [0, '']);
    assert.match(help.stdout, /^usage: npm start/);
  });
});

describe('an interrupt', { concurrency: 2 }, () => {
  const file = join(scratch, 'line.txt');
  writeFileSync(file, 'a line\n');
  const moments: readonly [name: string, line: RegExp, args: readonly string[]][] = [
    ['while the workers start', /^Flaminia: /, ['--orders', '1000000']],
    ['while orders flow', /\d %/, ['--orders', '1000000']],
    ['while a worker is down', /worker-2 was killed/, ['--orders', '20000', '--socket']],
    ['while a service is called', /topology: worker-4 .*offers/, ['--orders', '0', file]],
    ['while a worker of a service is dead', /worker-5 was killed/, ['--orders', '0', '--socket', file]],
  ];

  for (const [name, line, args] of moments) {
    test(`${name} ends every process, quietly`, async () => {
      // Ctrl-C reaches the whole group of a terminal; a supervisor signals the first process alone.
      const act = (group: number): boolean => process.kill(args.includes('--socket') ? group : -group, 'SIGINT');
      const { code, stdout, stderr } = await run(args, { line, act });
      assert.deepEqual([code, stderr], [130, '']);
      assert.match(stdout, /\nstopped\n$/);
    });
  }
});

test('no run has left a folder behind', () => {
  assert.deepEqual(leftovers(), []);
});
