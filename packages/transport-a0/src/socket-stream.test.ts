import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { afterEach, describe, test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { SocketChannel, SocketStream } from './socket-stream.ts';
import type { StreamReceiver } from './stream.ts';

/** Notes what a holder is told. */
class Notes implements StreamReceiver {
  readonly log: string[] = [];
  readonly chunks: Buffer[] = [];
  reused: boolean[] = [];
  closes: (Error | undefined)[] = [];

  bytes(chunk: Buffer, reused: boolean): void {
    this.chunks.push(Buffer.from(chunk));
    this.reused.push(reused);
    this.log.push('bytes');
  }
  ended(): void {
    this.log.push('ended');
  }
  drained(): void {
    this.log.push('drained');
  }
  closed(error: Error | undefined): void {
    this.log.push('closed');
    this.closes.push(error);
  }
  get text(): string {
    return Buffer.concat(this.chunks).toString();
  }
}

const servers: Server[] = [];
const sockets: Socket[] = [];
const identity = { address: 'tcp://127.0.0.1:1', certificate: undefined, nodeId: null, nodeType: null } as const;

afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  for (const server of servers.splice(0)) server.close();
  await until(() => !process.getActiveResourcesInfo().some((kind) => kind.startsWith('TCP')));
});

/** A channel of either kind, and the plain socket at its other end. */
async function joined(kind: 'dialled' | 'accepted'): Promise<{ channel: SocketChannel; other: Socket }> {
  const server = createServer({ allowHalfOpen: true }).listen(0, '127.0.0.1');
  servers.push(server);
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const accepting = once(server, 'connection');
  const target = { port, host: '127.0.0.1', allowHalfOpen: true };
  if (kind === 'accepted') {
    const other = connect(target);
    const [accepted] = (await accepting) as [Socket];
    return track({ channel: SocketChannel.accept(accepted), other });
  }
  const channel = SocketChannel.dial(Buffer.alloc(1024), (how) => connect({ ...target, ...how }));
  const [other] = (await accepting) as [Socket];
  return track({ channel, other });
}

function track(ends: { channel: SocketChannel; other: Socket }): { channel: SocketChannel; other: Socket } {
  sockets.push(ends.channel.socket, ends.other);
  ends.other.on('error', () => {});
  return ends;
}

function streamOf(channel: SocketChannel): SocketStream {
  return new SocketStream(channel, { kind: 'tcp', direction: 'dialled', peer: identity, challengeSequence: 0 });
}

async function until(reached: () => boolean): Promise<void> {
  const givenUp = performance.now() + 20_000;
  while (!reached()) {
    assert.ok(performance.now() < givenUp, `never reached: ${reached}`);
    await turn();
  }
}

for (const kind of ['dialled', 'accepted'] as const) {
  describe(`a ${kind} socket`, () => {
    test('bytes go to the holder of the moment, none is lost between two', async () => {
      const { channel, other } = await joined(kind);
      const [first, second] = [new Notes(), new Notes()];
      channel.attach(first);
      other.write('for the first');
      await until(() => first.text === 'for the first');
      channel.detach();
      other.write('while nobody ');
      for (let turns = 0; turns < 20; turns++) await turn();
      other.write('holds it');
      channel.attach(second);
      await until(() => second.text === 'while nobody holds it');
      assert.equal(first.text, 'for the first');
      assert.equal(second.log.includes('closed'), false);
    });

    test('[a0-tcp-14] what a holder leaves comes first to the next one', async () => {
      const { channel, other } = await joined(kind);
      const stream = streamOf(channel);
      const notes = new Notes();
      const handshake = new Notes();
      handshake.bytes = (chunk) => {
        channel.detach(chunk.subarray(5));
        stream.start(notes);
        assert.equal(notes.log.length, 0, 'not from inside a call of the reader');
      };
      channel.attach(handshake);
      other.write('proofrest');
      await until(() => notes.text === 'rest');
      other.write(' and more');
      await until(() => notes.text === 'rest and more');
    });

    test('a half close: the end is told, the other direction goes on, closed comes last and once', async () => {
      const { channel, other } = await joined(kind);
      const [stream, notes] = [streamOf(channel), new Notes()];
      stream.start(notes);
      other.end('last words');
      await until(() => notes.log.includes('ended'));
      const received: string[] = [];
      other.on('data', (chunk) => received.push(String(chunk)));
      let flushed = 0;
      stream.write(Buffer.from('answer'), () => flushed++);
      stream.end();
      stream.end();
      await until(() => notes.closes.length > 0);
      stream.end();
      stream.destroy();
      await until(() => received.join('') === 'answer');
      assert.deepEqual([notes.text, flushed, notes.closes], ['last words', 1, [undefined]]);
      assert.equal(notes.log.at(-1), 'closed');
    });

    test('an end and a close before the start are told after it', async () => {
      const { channel, other } = await joined(kind);
      const [stream, notes] = [streamOf(channel), new Notes()];
      stream.destroy();
      await until(() => channel.socket.closed);
      other.destroy();
      stream.start(notes);
      assert.deepEqual(notes.log, []);
      await until(() => notes.closes.length > 0);
      assert.deepEqual(notes.log, ['closed']);
      assert.throws(() => stream.start(notes), /one reader/);
    });

    test('a reset is told by closed, with its error, and no end', async () => {
      const { channel, other } = await joined(kind);
      const [stream, notes] = [streamOf(channel), new Notes()];
      stream.start(notes);
      other.resetAndDestroy();
      await until(() => notes.closes.length > 0);
      assert.deepEqual(notes.log, ['closed']);
      assert.equal((notes.closes[0] as NodeJS.ErrnoException).code, 'ECONNRESET');
    });

    test('writes after the end or the close are ignored, and flushed all the same', async () => {
      const { channel } = await joined(kind);
      const [stream, notes] = [streamOf(channel), new Notes()];
      stream.start(notes);
      let flushed = 0;
      const count = (): void => {
        flushed++;
      };
      stream.end();
      assert.equal(stream.write(Buffer.from('x'), count), true);
      stream.destroy();
      stream.write(Buffer.from('x'), count);
      stream.write(Buffer.from('x'));
      stream.cork();
      stream.uncork();
      await until(() => notes.closes.length > 0 && flushed === 2);
      assert.deepEqual(notes.closes, [undefined]);
    });

    test('what was queued is flushed on destroy too: no writer waits for ever', async () => {
      const { channel, other } = await joined(kind);
      other.pause();
      const [stream, notes] = [streamOf(channel), new Notes()];
      stream.start(notes);
      let [written, flushed] = [0, 0];
      while (stream.writableLength < 1_000_000) {
        written++;
        stream.write(Buffer.alloc(200_000), () => flushed++);
      }
      stream.destroy();
      await until(() => flushed === written);
    });

    test('backpressure: false asks to wait, drained says when', async () => {
      const { channel, other } = await joined(kind);
      other.pause();
      const [stream, notes] = [streamOf(channel), new Notes()];
      stream.start(notes);
      while (stream.write(Buffer.alloc(500_000)));
      assert.ok(stream.writableLength > 0);
      for (let turns = 0; turns < 20; turns++) await turn();
      assert.equal(notes.log.includes('drained'), stream.writableLength === 0);
      other.resume();
      await until(() => notes.log.includes('drained'));
      assert.equal(stream.writableLength, 0);
    });

    test('[a0-tcp-5] writes between cork and uncork leave together', async () => {
      const { channel, other } = await joined(kind);
      const stream = streamOf(channel);
      stream.start(new Notes());
      const received: Buffer[] = [];
      other.on('data', (chunk) => received.push(chunk));
      stream.cork();
      for (const part of ['a', 'b', 'c']) stream.write(Buffer.from(part));
      stream.uncork();
      await until(() => Buffer.concat(received).length === 3);
      assert.deepEqual(received.map(String), ['abc']);
    });
  });
}

test('invariant 4: a dialled socket reads into the shared buffer, an accepted one into its own', async () => {
  for (const kind of ['dialled', 'accepted'] as const) {
    const { channel, other } = await joined(kind);
    const notes = new Notes();
    channel.attach(notes);
    other.write(Buffer.alloc(5_000, 'x'));
    await until(() => Buffer.concat(notes.chunks).length === 5_000);
    assert.deepEqual([...new Set(notes.reused)], [kind === 'dialled']);
    if (kind === 'dialled') assert.ok(notes.chunks.every((chunk) => chunk.length <= 1024));
  }
});
