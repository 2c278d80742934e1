/**
 * How fast the crate sends blobs to itself: two Rust domus, one blob, MB/s on stdout.
 *
 * `node --conditions=@flaminia/source --import tsx interop/crate-blob-speed.ts [megabytes] [tcp|unix] [chunkSize ackWindow]`;
 * by default ten times 200 MB over TCP with the crate's own window. Where its reader is too slow the crate fails the blob, and
 * the line says so: on a busy machine that is the rule.
 */
import { mkdtemp, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createAuthority, issueAuth } from '@flaminia/certificates';
import { type DomusAddr, tcpAddress, unixAddress } from '@flaminia/transport-a0';
import { freePort } from './free-port.ts';
import { RustDomus, writeMaterial } from './rust-domus.ts';
import type { RustConfig } from './rust-protocol.ts';

const TABERNA = 1n;
const ROUNDS = 10;

const [megabytes = '200', transport = 'tcp', chunkSize, ackWindow] = process.argv.slice(2);
const config: RustConfig = {
  listenerDelay: 0,
  ...(chunkSize && { blobWindow: { chunkSize: Number(chunkSize), ackWindow: Number(ackWindow) } }),
};

const folder = await realpath(await mkdtemp(join(tmpdir(), 'flaminia-')));
const authority = await createAuthority({ algorithm: 'P-256' });
const [sender, reader] = [await open('sender'), await open('reader')];
try {
  await reader.peer.taberna(TABERNA, 'accept', { quiet: true });
  await sender.peer.route(TABERNA, reader.address);
  for (let round = 1; round <= ROUNDS; round++) await measure(round);
} finally {
  await Promise.all([sender.stop(), reader.stop()]);
  await rm(folder, { recursive: true, force: true });
}

async function measure(round: number): Promise<void> {
  const sizeBytes = Number(megabytes) * 1_000_000;
  const { end, failure, elapsedMs } = await sender.peer.sendBlob({ taberna: TABERNA, number: round, sizeBytes });
  const text =
    end === 'whole' ? `${(sizeBytes / 1000 / elapsedMs).toFixed(1)} MB/s` : `failed ${end}: ${failure?.text}`;
  process.stdout.write(`${transport}, ${chunkSize ? `${chunkSize} x ${ackWindow}` : 'default window'}: ${text}\n`);
}

async function open(nodeId: string): Promise<RustDomus> {
  const address = await freeAddress(nodeId);
  const material = await issueAuth({ ca: authority, nodeId, algorithm: 'P-256' })(address);
  const domus = new RustDomus({
    address,
    bind: address,
    files: await writeMaterial(join(folder, nodeId), material),
    config,
  });
  await domus.start();
  return domus;
}

async function freeAddress(name: string): Promise<DomusAddr> {
  return transport === 'tcp' ? tcpAddress('127.0.0.1', await freePort()) : unixAddress(join(folder, `${name}.sock`));
}
