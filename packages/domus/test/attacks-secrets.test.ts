/** What a domus shows of itself, of its streams and of what went wrong holds no byte of a key, a nonce or a payload. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { rename } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { type TestContext, test } from 'node:test';
import { inspect } from 'node:util';
import { issueAuth, type PemMaterial } from '@flaminia/certificates';
import { until } from '@flaminia/testkit';
import { parseAddress } from '@flaminia/transport-a0';
import { bytes } from '../src/bytes.ts';
import { cbor } from '../src/cbor.ts';
import type { Domus } from '../src/domus.ts';
import { blobEndpoint, endpoint } from '../src/endpoint.ts';
import type { LogEntry } from '../src/options.ts';
import { eventsOf, failureOf } from './memory-bench.ts';
import { SocketImperium, TRANSPORTS, type Transport } from './socket-imperium.ts';

const SECRET = 'tell-nobody-of-this-payload';
const DEEP = { depth: 9, showHidden: true, maxStringLength: null, maxArrayLength: null };

const Inbox = endpoint('inbox', cbor<{ secret: string }>());
const Noise = endpoint('inbox', bytes());
const Held = endpoint('held', bytes());
const Files = blobEndpoint('files', bytes());

/** The ways in which bytes may be written down. */
function formsOf(secret: Buffer): string[] {
  const hex = secret.toString('hex');
  const pairs = hex.match(/../g)!;
  const base64 = secret.toString('base64').replace(/=+$/, '').slice(0, -2);
  return [secret.toString('latin1'), hex, pairs.join(' '), [...secret].join(', '), [...secret].join(','), base64];
}

/** Some bytes out of the middle of a key. */
function keyBytes({ key }: PemMaterial): Buffer {
  return Buffer.from(key.replaceAll(/-----[A-Z ]+-----|\s/g, ''), 'base64').subarray(42, 66);
}

/** Everything that was shown, as one text each. */
class Shown {
  private readonly texts: string[] = [];

  add(...values: readonly unknown[]): void {
    for (const value of values) {
      this.texts.push(inspect(value, DEEP), jsonOf(value));
      if (value instanceof Error) this.texts.push(String(value), value.stack ?? '');
    }
  }

  assertSilentOn(name: string, secret: Buffer): void {
    for (const form of formsOf(secret)) {
      const found = this.texts.find((text) => text.includes(form));
      assert.equal(found?.slice(Math.max(0, found.indexOf(form) - 200)).slice(0, 300), undefined, `shows ${name}`);
    }
  }
}

/** Machinery is not made for JSON: it has cycles. */
function jsonOf(value: unknown): string {
  try {
    return JSON.stringify(value) ?? '';
  } catch {
    return '';
  }
}

interface Member {
  readonly domus: Domus;
  readonly key: Buffer;
  readonly logs: LogEntry[];
}

async function member(sockets: SocketImperium): Promise<Member> {
  const address = await sockets.address();
  const material = await issueAuth({ ca: await sockets.authority(), nodeId: 'node' })(address);
  const logs: LogEntry[] = [];
  const config = { sendQueueSize: 4, reconnectBackoff: [20], limitedLogInterval: 0 };
  const log = (entry: LogEntry): void => void logs.push(entry);
  return { domus: await sockets.open({ address, auth: material, config, log }), key: keyBytes(material), logs };
}

/** Everything that can go wrong between two domus with a secret under way, and all that is told of it. */
async function mishaps(t: TestContext, transport: Transport, shown: Shown): Promise<Member[]> {
  const sockets = new SocketImperium(t, transport);
  const [left, right] = [await member(sockets), await member(sockets)];
  const feeds = [left, right].map(({ domus }) => eventsOf(domus));
  const payload = Buffer.from(SECRET);
  const to = { to: right.domus.address };
  await right.domus.serve(Inbox, (_, request) => void request.reject());
  const held = await right.domus.taberna(Held);
  shown.add(await failureOf(left.domus.send(Inbox, { secret: SECRET }, to)));
  shown.add(await failureOf(left.domus.send(Noise, Buffer.concat([Buffer.of(0x7f), payload]), to)));
  shown.add(await failureOf(left.domus.send(endpoint('nowhere', bytes()), payload, to)));
  // Those that nobody answers are to end soon, and nothing else.
  const { sendTimeout } = left.domus.config.snapshot();
  left.domus.config.update({ sendTimeout: 2_000 });
  const sends = Array.from({ length: 6 }, () => left.domus.send(Held, payload, to).catch((error: unknown) => error));
  left.domus.config.update({ sendTimeout });
  const request = await held.receive();
  shown.add(left.domus, right.domus, held, request.from);
  for (const { domus } of [left, right]) shown.add(domus.reporting.snapshot(), domus.reporting.connectedPeers());
  request.reject();
  shown.add(...(await Promise.all(sends)));
  shown.add(...feeds.flat(), ...left.logs, ...right.logs);
  await withStreams(left.domus, right.domus, payload, shown);
  for (const { domus } of [left, right]) shown.add(domus.reporting.errorsSince(0, 1_000));
  return [left, right];
}

/** Streams in the middle of their bytes, and how they fail. */
async function withStreams(from: Domus, to: Domus, payload: Buffer, shown: Shown): Promise<void> {
  const handled: unknown[] = [];
  await to.serve(Files, async (_, { blob }) => {
    blob.on('error', (error) => handled.push(error));
    blob.once('readable', () => handled.push(inspect(blob, DEEP)));
    await once(blob, 'close').catch(() => {});
  });
  const blob = await from.sendBlob(Files, new Uint8Array(0), { to: to.address });
  blob.on('error', (error) => handled.push(error));
  blob.write(payload);
  blob.flush();
  await until(() => handled.length > 0, 'the bytes of the stream');
  for (let i = 0; i < 4; i++) blob.write(Buffer.alloc(3_000_000, payload));
  shown.add(blob);
  blob.destroy();
  await until(() => handled.length > 1, 'the end of the stream');
  shown.add(...handled);
}

for (const transport of TRANSPORTS) {
  test(`[api-58] [a0-auth-6] [case-18] over ${transport}: no error, event, log record or inspection shows a byte of a key or of a payload`, async (t) => {
    const shown = new Shown();
    const members = await mishaps(t, transport, shown);
    for (const { key } of members) shown.assertSilentOn('a key', key);
    shown.assertSilentOn('a payload', Buffer.from(SECRET));
  });
}

test('[api-58] what has settled is not kept: nothing in a domus holds the payload of a message that was answered', async (t) => {
  // Its own: memory that is used again may hold what another test sent.
  const settled = Buffer.from('said-and-answered-long-ago');
  const sockets = new SocketImperium(t, 'unix');
  const [left, right] = [await member(sockets), await member(sockets)];
  await right.domus.serve(Held, () => {});
  for (let i = 0; i < 4; i++) await left.domus.send(Held, settled, { to: right.domus.address });
  // Later bytes take the place of the earlier ones in the buffers that are written from and read into, which live on.
  for (let i = 0; i < 8; i++) await left.domus.send(Held, Buffer.alloc(settled.length), { to: right.domus.address });
  const shown = new Shown();
  for (const { domus } of [left, right]) shown.add((domus as unknown as { parts: object }).parts, domus.delivery.core);
  shown.assertSilentOn('a payload', settled);
  for (const { key } of [left, right]) shown.assertSilentOn('a key', key);
});

test('[api-58] nonces that went over a socket are shown by nothing, during the handshake and after it', async (t) => {
  const sockets = new SocketImperium(t, 'unix');
  const [left, right] = [await member(sockets), await member(sockets)];
  await right.domus.serve(Held, () => {});
  const place = parseAddress(right.domus.address) as { path: string };
  await rename(place.path, `${place.path}.behind`);
  const shown = new Shown();
  const look = (): void => {
    for (const { domus } of [left, right]) shown.add((domus as unknown as { parts: object }).parts);
  };
  let first: Buffer = Buffer.alloc(0);
  const tap = createServer((socket) => {
    const onward = connect(`${place.path}.behind`);
    for (const one of [socket, onward]) one.on('error', () => {});
    socket.once('data', (chunk: Buffer) => {
      first = chunk;
      look();
    });
    socket.pipe(onward).pipe(socket);
  }).listen(place.path);
  await once(tap, 'listening');
  await left.domus.send(Held, Buffer.alloc(1), { to: right.domus.address });
  look();
  shown.add(left.domus, right.domus);
  // AUTH_INIT ends with both nonces of the dialler.
  assert.equal(first.length, 4 + first.readUInt32BE(0));
  shown.assertSilentOn('nonce_a', first.subarray(-64, -32));
  shown.assertSilentOn('nonce_a_cb', first.subarray(-32));
  await left.domus.shutdown();
  tap.close();
});
