/**
 * The two signatures of the Unix-socket handshake: what they cover, and how each kind of key signs
 * (a0-transport, Unix-socket handshake).
 *
 * Both cover both paths and both nonces, so a signature is worth nothing between any other two domus or in any other
 * handshake.
 */
import { constants, type KeyObject, sign, verify } from 'node:crypto';
import { type KeyKind, keyKindOf } from './algorithm-policy.ts';

/** What the receiver's challenge signature covers. `origin` and `destination` are those of AUTH_CHALLENGE. */
export interface ChallengeFacts {
  readonly nonceA: Buffer;
  readonly nonceB: Buffer;
  readonly origin: string;
  readonly destination: string;
}

/** What the initiator's proof signature covers. `origin` and `destination` are those of AUTH_INIT. */
export interface ProofFacts extends ChallengeFacts {
  readonly nonceBCb: Buffer;
}

/** The bytes that the challenge signature is made over. */
export function challengeBytes({ nonceA, nonceB, origin, destination }: ChallengeFacts): Buffer {
  return Buffer.concat([nonceA, nonceB, pathBytes(origin, destination)]);
}

/** The bytes that the proof signature is made over. */
export function proofBytes({ nonceA, nonceB, nonceBCb, origin, destination }: ProofFacts): Buffer {
  return Buffer.concat([nonceB, nonceA, nonceBCb, pathBytes(origin, destination)]);
}

/** Signs with the key of a leaf. */
export function signAs(key: KeyObject, bytes: Buffer): Buffer {
  const { digest, ...options } = schemeOf(key) ?? impossible();
  return sign(digest, bytes, { key, ...options });
}

/** Whether `signature` was made over `bytes` by the owner of a leaf's public key. False for a key that A0 does not take. */
export function isSignedBy(key: KeyObject, bytes: Buffer, signature: Buffer): boolean {
  const scheme = schemeOf(key);
  if (scheme === undefined) return false;
  const { digest, ...options } = scheme;
  return verify(digest, bytes, { key, ...options }, signature);
}

interface Scheme {
  /** Null where the algorithm has its own. */
  readonly digest: string | null;
  readonly padding?: number;
  /** Exact in both directions: a verifier takes no other. */
  readonly saltLength?: number;
  readonly dsaEncoding?: 'der';
}

const SCHEMES: Readonly<Record<KeyKind, Scheme>> = {
  rsa: { digest: 'sha256', padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 32 },
  p256: { digest: 'sha256', dsaEncoding: 'der' },
  p384: { digest: 'sha384', dsaEncoding: 'der' },
  ed25519: { digest: null },
};

function schemeOf(key: KeyObject): Scheme | undefined {
  const kind = keyKindOf(key);
  return kind === undefined ? undefined : SCHEMES[kind];
}

function pathBytes(origin: string, destination: string): Buffer {
  const [from, to] = [Buffer.from(origin), Buffer.from(destination)];
  const lengths = Buffer.alloc(4);
  lengths.writeUInt16BE(from.length, 0);
  lengths.writeUInt16BE(to.length, 2);
  return Buffer.concat([lengths, from, to]);
}

function impossible(): never {
  throw new Error('own material holds a key that A0 does not take');
}
