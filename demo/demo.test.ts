/** The demo as a newcomer runs it: its outcome, its words, and that it leaves nothing behind. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, realpathSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

const main = fileURLToPath(new URL('main.ts', import.meta.url));
const scratch = realpathSync(mkdtempSync(join(tmpdir(), 'flaminia-demo-')));
after(() => rmSync(scratch, { recursive: true, force: true }));

interface Run {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** What a test does when a line that it waits for has come. */
interface Moment {
  readonly line: RegExp;
  act(group: number): void;
}

/** Runs the demo in a process group of its own, as a terminal would. */
async function run(args: readonly string[], moment?: Moment): Promise<Run> {
  const command = ['--conditions=@flaminia/source', '--import', 'tsx', main, ...args];
  const env = { ...process.env, TMPDIR: scratch, NODE_OPTIONS: '' };
  const child = spawn(process.execPath, command, { env, detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
  let [stdout, stderr, due] = ['', '', moment];
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
    if (due?.line.test(stdout) !== true) return;
    due.act(child.pid!);
    due = undefined;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
  await untilGone(child.pid!);
  return { code, stdout, stderr };
}

/** Waits for the end of a process group; the loader's compiler ends a moment after the program. */
async function untilGone(group: number): Promise<void> {
  const givenUp = performance.now() + 5_000;
  for (;;) {
    try {
      process.kill(-group, 0);
    } catch {
      return;
    }
    assert.ok(performance.now() < givenUp, 'a process of the demo is left');
    await pause(5);
  }
}

/** The figure behind a label of the summary. */
function figure(stdout: string, label: string): number {
  const text = new RegExp(`^  ${label} +([\\d,]+)`, 'm').exec(stdout)?.[1];
  assert.ok(text !== undefined, `no "${label}" in ${stdout}`);
  return Number(text.replaceAll(',', ''));
}

/** What every good run says at its end; `bytes` went over the stream. */
function assertSummary({ code, stdout, stderr }: Run, total: number, bytes: number): void {
  assert.deepEqual([code, stderr], [0, ''], stdout);
  const labels = ['orders acknowledged', 'lost', 'applied twice'];
  assert.deepEqual(
    labels.map((label) => figure(stdout, label)),
    [total, 0, 0],
  );
  assert.equal(figure(stdout, 'bytes streamed'), bytes);
  assert.match(stdout, / bytes streamed +[\d,]+ in [\d.]+ s \([\d.]+ MB\/s\)\n/);
  assert.match(stdout, /\nworker-1 has all .*, and their SHA-256 is that of the sender\n/);
  assert.match(stdout, / SHA-256 +[\da-f]{16}… at both ends\n/);
}

/** What a run says in whose stream there was something to cut. */
function assertCut(stdout: string): void {
  assert.deepEqual([figure(stdout, 'cuts')], [1]);
  assert.match(stdout, /\nthe connections between gateway and worker-1 were cut when .* had arrived\n/);
  assert.match(stdout, /\nthe stream goes on by itself, after \d+ ms\n/);
}

/** A file to stream, and the start of its hash. */
function fileOf(name: string, content: Uint8Array): { readonly path: string; readonly sha256: string } {
  const path = join(scratch, name);
  writeFileSync(path, content);
  return { path, sha256: createHash('sha256').update(content).digest('hex').slice(0, 16) };
}

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
    test(`over ${over} a stream is cut and a worker killed; nothing is lost, changed or applied twice`, async () => {
      const result = await run(args);
      assertSummary(result, 2000, bytes);
      assertCut(result.stdout);
      assert.match(result.stdout, new RegExp(`^Flaminia: one gateway, two workers, ${what} over ${over}`));
      assert.match(
        result.stdout,
        /\nworker-2 was killed after [\d,]+ orders\n(?:.*\n)*worker-2 is back, with its journal\n/,
      );
      assert.ok(!result.stdout.includes('\r'), 'plain lines where nobody watches a terminal');
    });
  }

  test('a large file that is no text is streamed beside made-up orders, cut in its middle, and repeats chunks', async () => {
    const content = Buffer.alloc(24 * 1024 * 1024 + 1, 0xff);
    for (let at = 0; at < content.length - 4; at += 4096) content.writeUInt32BE(at, at);
    const { path, sha256 } = fileOf('large.bin', content);
    const result = await run(['--socket', '--orders', '500', path]);
    assertSummary(result, 500, content.length);
    assertCut(result.stdout);
    assert.ok(figure(result.stdout, 'chunks sent again') > 0);
    assert.ok(result.stdout.includes(`${sha256}… at both ends`));
  });

  test('an empty file is no order, and a stream that nothing can cut', async () => {
    const result = await run(['--socket', fileOf('empty.txt', Buffer.alloc(0)).path]);
    assertSummary(result, 0, 0);
    assert.match(result.stdout, / cuts +0 \(nothing was on its way\)/);
  });

  test('a file of one byte is one order, and a stream that is cut with all that it has on its way', async () => {
    const { path, sha256 } = fileOf('one.txt', Buffer.from('x'));
    const result = await run([path]);
    assertSummary(result, 1, 1);
    assertCut(result.stdout);
    assert.match(result.stdout, /cut when 0 bytes of 1 byte had arrived/);
    assert.ok(result.stdout.includes(`${sha256}… at both ends`));
  });

  test('a file that cannot be read is said so, and nothing is started', async () => {
    const unreadable: [string, RegExp][] = [
      [join(scratch, 'nowhere.txt'), /^cannot read .*nowhere\.txt: no such file\n$/],
      [scratch, /^cannot read .*: it is a folder\n$/],
      ['/dev/null', /^cannot read \/dev\/null: it is not a regular file\n$/],
    ];
    for (const [path, text] of unreadable) {
      const { code, stdout, stderr } = await run([path]);
      assert.deepEqual([code, stdout], [2, '']);
      assert.match(stderr, text);
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

  const moments: readonly [name: string, line: RegExp, args: readonly string[]][] = [
    ['while the workers start', /^Flaminia: /, ['--orders', '1000000']],
    ['while orders flow', /\d %/, ['--orders', '1000000']],
    ['while a stream is cut', /were cut/, ['--orders', '1000000', '--socket']],
    ['while a worker is down', /worker-2 was killed/, ['--orders', '20000', '--socket']],
  ];

  for (const [name, line, args] of moments) {
    test(`an interrupt ${name} ends every process, quietly`, async () => {
      // Ctrl-C reaches the whole group of a terminal; a supervisor signals the first process alone.
      const act = (group: number): boolean => process.kill(args.includes('--socket') ? group : -group, 'SIGINT');
      const { code, stdout, stderr } = await run(args, { line, act });
      assert.deepEqual([code, stderr], [130, '']);
      assert.match(stdout, /\nstopped\n$/);
    });
  }
});

test('no run has left a folder behind', () => {
  assert.deepEqual(
    readdirSync(scratch).filter((name) => name.startsWith('flaminia-')),
    [],
  );
});
