/** The golden bytes of the Unix-socket handshake (docs/protocol/vectors), as the tests want them. */
import { readFileSync } from 'node:fs';
import { type AuthMaterial, loadAuthMaterial } from '../src/auth-material.ts';
import {
  type AuthChallenge,
  type AuthInit,
  type AuthProof,
  type CallbackInit,
  decodeUnixMessage,
  type UnixMessage,
} from '../src/unix-messages.ts';

const FOLDER = new URL('../../../docs/protocol/vectors/', import.meta.url);

/** A moment at which the certificates of the vectors hold. */
export const VECTOR_NOW_MS: number = Date.UTC(2026, 0, 1);

/** One message as it was recorded. */
export interface UnixVector {
  readonly name: string;
  /** The length and the payload. */
  readonly bytes: Buffer;
  readonly decoded: Readonly<Record<string, unknown>>;
  /** What the signature beside it was made over, where there is one. */
  readonly signed: Buffer | undefined;
}

/** One recorded handshake. Alpha dialled, beta listened. */
export interface UnixVectors {
  readonly name: string;
  readonly alpha: AuthMaterial;
  readonly beta: AuthMaterial;
  readonly entries: readonly UnixVector[];
  readonly init: AuthInit;
  readonly callback: CallbackInit;
  readonly challenge: AuthChallenge;
  readonly proof: AuthProof;
}

export const UNIX_VECTORS: readonly UnixVectors[] = ['p256', 'p256-intermediate', 'p384', 'rsa', 'ed25519'].map(load);

/** The recorded bytes of one message. */
export function recorded({ entries }: UnixVectors, name: UnixMessage['kind']): Buffer {
  const entry = entries.find((candidate) => candidate.name === name);
  if (entry === undefined) throw new Error(`no vector of ${name}`);
  return Buffer.from(entry.bytes);
}

interface VectorFile {
  readonly material: { readonly dialler: string; readonly listener: string };
  readonly entries: readonly {
    readonly name: string;
    readonly hex: string;
    readonly decoded: Readonly<Record<string, unknown>>;
    readonly signedHex?: string;
  }[];
}

interface MaterialFile {
  readonly authority: string;
  readonly leaves: Readonly<Record<string, { readonly certificates: string; readonly privateKey: string }>>;
}

function load(name: string): UnixVectors {
  const file = readJson(`a0-unix-${name}.json`) as VectorFile;
  const entries = file.entries.map((entry) => ({
    name: entry.name,
    bytes: Buffer.from(entry.hex, 'hex'),
    decoded: entry.decoded,
    signed: entry.signedHex === undefined ? undefined : Buffer.from(entry.signedHex, 'hex'),
  }));
  const message = (kind: UnixMessage['kind']): UnixMessage =>
    decodeUnixMessage(entries.find((entry) => entry.name === kind)?.bytes.subarray(4) ?? Buffer.alloc(0));
  return {
    name,
    alpha: materialOf(file.material.dialler),
    beta: materialOf(file.material.listener),
    entries,
    init: message('auth-init') as AuthInit,
    callback: message('callback-init') as CallbackInit,
    challenge: message('auth-challenge') as AuthChallenge,
    proof: message('auth-proof') as AuthProof,
  };
}

function materialOf(name: string): AuthMaterial {
  const { authority, leaves } = readJson('material.json') as MaterialFile;
  const leaf = leaves[name];
  if (leaf === undefined) throw new Error(`no material ${name}`);
  return loadAuthMaterial({ ca: authority, cert: leaf.certificates, key: leaf.privateKey }, 'unix');
}

function readJson(name: string): unknown {
  return JSON.parse(readFileSync(new URL(name, FOLDER), 'utf8'));
}
