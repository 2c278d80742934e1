/**
 * The four messages of the Unix-socket handshake: their fields, and their layout behind the length
 * (a0-transport, Unix-socket handshake). The reader in unix-message-reader.ts cuts them out of a stream.
 *
 * 1. Every length is checked against its bound, and against what is there, before anything is taken for it.
 * 2. A payload ends with its last field: bytes behind it are a violation.
 * 3. What is decoded holds paths that are UTF-8, absolute and canonical as text, nonces of 32 bytes, and 1 to 16
 *    certificates, none empty. Whether a path is canonical on this machine is judged where it is used.
 * 4. Decoded buffers are views into the payload.
 */
import { isUtf8 } from 'node:buffer';
import { PATH_MAX_BYTES, parseAddress } from './address.ts';
import { DomusError } from './domus-error.ts';

/** Most bytes of a payload, and most certificates in one. */
export const MESSAGE_MAX_BYTES = 65_536;
export const CHAIN_MAX_CERTIFICATES = 16;
export const NONCE_BYTES = 32;

const VERSION = 1;

/** A message. `origin` is the path of its sender, `destination` that of its receiver; `certificates` are DER, leaf first. */
export type UnixMessage =
  | {
      readonly kind: 'auth-init';
      readonly origin: string;
      readonly destination: string;
      readonly certificates: readonly Buffer[];
      readonly nonceA: Buffer;
      readonly nonceACb: Buffer;
    }
  | {
      readonly kind: 'auth-challenge';
      readonly origin: string;
      readonly destination: string;
      readonly certificates: readonly Buffer[];
      readonly nonceB: Buffer;
      readonly signature: Buffer;
    }
  | { readonly kind: 'auth-proof'; readonly echoNonceBCb: Buffer; readonly signature: Buffer }
  | {
      readonly kind: 'callback-init';
      readonly origin: string;
      readonly destination: string;
      readonly nonceBCb: Buffer;
      readonly echoNonceACb: Buffer;
    };

export type UnixMessageKind = UnixMessage['kind'];
export type AuthInit = Extract<UnixMessage, { kind: 'auth-init' }>;
export type AuthChallenge = Extract<UnixMessage, { kind: 'auth-challenge' }>;
export type AuthProof = Extract<UnixMessage, { kind: 'auth-proof' }>;
export type CallbackInit = Extract<UnixMessage, { kind: 'callback-init' }>;

const TYPES: Readonly<Record<UnixMessageKind, number>> = {
  'auth-init': 1,
  'auth-challenge': 2,
  'auth-proof': 3,
  'callback-init': 4,
};
const KIND_BY_TYPE: readonly (UnixMessageKind | undefined)[] = [
  undefined,
  'auth-init',
  'auth-challenge',
  'auth-proof',
  'callback-init',
];

/** The kind that a type byte means, or undefined for none. */
export function unixMessageKind(type: number): UnixMessageKind | undefined {
  return KIND_BY_TYPE[type];
}

/**
 * The bytes of a message, its length in front, for one write. Throws `invalid-config` where the own chain or paths do
 * not fit.
 */
export function encodeUnixMessage(message: UnixMessage): Buffer {
  const payload = Buffer.concat([Uint8Array.of(TYPES[message.kind], VERSION), ...fieldsOf(message)]);
  if (payload.length > MESSAGE_MAX_BYTES) {
    throw unsendable(`the certificate chain makes a message of ${payload.length} bytes`, `${MESSAGE_MAX_BYTES} bytes`);
  }
  return Buffer.concat([u32(payload.length), payload]);
}

/** Reads a payload; throws `protocol-violation` unless it is exactly one message within its bounds. */
export function decodeUnixMessage(payload: Buffer): UnixMessage {
  const fields = new FieldReader(payload);
  const type = fields.u8('type');
  const version = fields.u8('version');
  const kind = unixMessageKind(type);
  if (kind === undefined) throw malformed(`message type ${type} is unknown`);
  if (version !== VERSION) throw malformed(`version ${version} is unknown`);
  const message = decodeFields(kind, fields);
  fields.end();
  return message;
}

function fieldsOf(message: UnixMessage): Uint8Array[] {
  switch (message.kind) {
    case 'auth-init': {
      const { nonceA, nonceACb } = message;
      const lengths = [...pathLengths(message), ...chainLengths(message), u16(nonceA.length), u16(nonceACb.length)];
      return [...lengths, ...paths(message), ...message.certificates, nonceA, nonceACb];
    }
    case 'auth-challenge': {
      const { nonceB, signature } = message;
      const lengths = [...pathLengths(message), ...chainLengths(message), u16(nonceB.length), u32(signature.length)];
      return [...lengths, ...paths(message), ...message.certificates, nonceB, signature];
    }
    case 'auth-proof': {
      const { echoNonceBCb, signature } = message;
      return [u16(echoNonceBCb.length), u32(signature.length), echoNonceBCb, signature];
    }
    case 'callback-init': {
      const { nonceBCb, echoNonceACb } = message;
      const lengths = [...pathLengths(message), u16(nonceBCb.length), u16(echoNonceACb.length)];
      return [...lengths, ...paths(message), nonceBCb, echoNonceACb];
    }
  }
}

function decodeFields(kind: UnixMessageKind, fields: FieldReader): UnixMessage {
  switch (kind) {
    case 'auth-init': {
      const [originLength, destinationLength] = fields.pathLengths();
      const chain = fields.chainLengths();
      fields.nonceLength('nonce_len');
      fields.nonceLength('callback_nonce_len');
      const origin = fields.path(originLength, 'origin');
      const destination = fields.path(destinationLength, 'destination');
      const certificates = chain.map((length) => fields.bytes(length, 'certificate'));
      return { kind, origin, destination, certificates, nonceA: fields.nonce(), nonceACb: fields.nonce() };
    }
    case 'auth-challenge': {
      const [originLength, destinationLength] = fields.pathLengths();
      const chain = fields.chainLengths();
      fields.nonceLength('nonce_len');
      const signatureLength = fields.u32('signature_len');
      const origin = fields.path(originLength, 'origin');
      const destination = fields.path(destinationLength, 'destination');
      const certificates = chain.map((length) => fields.bytes(length, 'certificate'));
      const nonceB = fields.nonce();
      return { kind, origin, destination, certificates, nonceB, signature: fields.bytes(signatureLength, 'signature') };
    }
    case 'auth-proof': {
      fields.nonceLength('echo_nonce_len');
      const signatureLength = fields.u32('signature_len');
      return { kind, echoNonceBCb: fields.nonce(), signature: fields.bytes(signatureLength, 'signature') };
    }
    case 'callback-init': {
      const [originLength, destinationLength] = fields.pathLengths();
      fields.nonceLength('callback_nonce_len');
      fields.nonceLength('echo_nonce_len');
      const origin = fields.path(originLength, 'origin');
      const destination = fields.path(destinationLength, 'destination');
      return { kind, origin, destination, nonceBCb: fields.nonce(), echoNonceACb: fields.nonce() };
    }
  }
}

/** Walks a payload field by field; the names of fields are those of the specification. */
class FieldReader {
  readonly #payload: Buffer;
  #offset = 0;

  constructor(payload: Buffer) {
    this.#payload = payload;
  }

  u8(name: string): number {
    return this.bytes(1, name).readUInt8();
  }

  u16(name: string): number {
    return this.bytes(2, name).readUInt16BE();
  }

  u32(name: string): number {
    return this.bytes(4, name).readUInt32BE();
  }

  bytes(length: number, name: string): Buffer {
    const end = this.#offset + length;
    if (end > this.#payload.length) throw malformed(`${name} ends outside the message`);
    const bytes = this.#payload.subarray(this.#offset, end);
    this.#offset = end;
    return bytes;
  }

  nonceLength(name: string): void {
    const length = this.u16(name);
    if (length !== NONCE_BYTES) throw malformed(`${name} is ${length}, not ${NONCE_BYTES}`);
  }

  nonce(): Buffer {
    return this.bytes(NONCE_BYTES, 'nonce');
  }

  /** Origin and destination. */
  pathLengths(): [number, number] {
    return [this.#pathLength('origin_len'), this.#pathLength('destination_len')];
  }

  chainLengths(): number[] {
    const count = this.u16('cert_count');
    if (count === 0 || count > CHAIN_MAX_CERTIFICATES) {
      throw malformed(`cert_count is ${count}, not 1 to ${CHAIN_MAX_CERTIFICATES}`);
    }
    return Array.from({ length: count }, () => {
      const length = this.u32('cert_len');
      if (length === 0) throw malformed('cert_len is 0');
      return length;
    });
  }

  path(length: number, name: string): string {
    const bytes = this.bytes(length, name);
    if (!isUtf8(bytes)) throw malformed(`${name} is not UTF-8`);
    const path = bytes.toString();
    try {
      parseAddress(`unix://${path}`);
    } catch (cause) {
      throw malformed(`${name} is not an absolute, canonical path`, cause);
    }
    return path;
  }

  end(): void {
    const rest = this.#payload.length - this.#offset;
    if (rest > 0) throw malformed(`${rest} bytes behind the last field`);
  }

  #pathLength(name: string): number {
    const length = this.u16(name);
    if (length === 0 || length > PATH_MAX_BYTES) throw malformed(`${name} is ${length}, not 1 to ${PATH_MAX_BYTES}`);
    return length;
  }
}

interface Addressed {
  readonly origin: string;
  readonly destination: string;
}

function pathLengths({ origin, destination }: Addressed): Uint8Array[] {
  return [u16(Buffer.byteLength(origin)), u16(Buffer.byteLength(destination))];
}

function paths({ origin, destination }: Addressed): Uint8Array[] {
  return [Buffer.from(origin), Buffer.from(destination)];
}

function chainLengths({ certificates }: { readonly certificates: readonly Buffer[] }): Uint8Array[] {
  if (certificates.length > CHAIN_MAX_CERTIFICATES) {
    throw unsendable(`the chain holds ${certificates.length} certificates`, `${CHAIN_MAX_CERTIFICATES} certificates`);
  }
  return [u16(certificates.length), ...certificates.map((certificate) => u32(certificate.length))];
}

function u16(value: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16BE(value);
  return bytes;
}

function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

function malformed(text: string, cause?: unknown): DomusError {
  return new DomusError('protocol-violation', text, { detail: 'malformed-message', cause });
}

function unsendable(text: string, most: string): DomusError {
  return new DomusError('invalid-config', `auth material: ${text}; a Unix socket carries at most ${most}`, {
    detail: 'cert',
  });
}
