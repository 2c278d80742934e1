/**
 * The Unix-socket handshake of A0 as two pure machines, one for each side of the primary channel
 * (a0-transport, Unix-socket handshake).
 *
 * They own the order of messages, the judgement of the peer, nonces and signatures. They own no socket, clock or
 * randomness, and do not know the file system: whoever drives them sees to it that a path is canonical before it dials it.
 * 1. A message out of order, of another type, for somebody else, or from somebody who cannot prove to be whom it claims
 *    throws a DomusError; nothing is to be written then.
 * 2. A receiver asks for a callback at most once, only after destination, chain and name of AUTH_INIT held, and only to
 *    the path that they name.
 * 3. Bytes behind AUTH_PROOF belong to A1 and are handed back; bytes behind any other message, or before it is the
 *    peer's turn, are a violation, since an honest peer waits there.
 * 4. AUTH_PROOF is given out only after both the challenge and the callback have come, in either order.
 */
import type { X509Certificate } from 'node:crypto';
import { type DomusAddr, unixAddress } from './address.ts';
import type { AuthMaterial } from './auth-material.ts';
import { sameBytes } from './callback-table.ts';
import { DomusError } from './domus-error.ts';
import { identityOf, type PeerIdentity } from './identity.ts';
import { UnixMessageReader } from './unix-message-reader.ts';
import {
  type AuthChallenge,
  type AuthInit,
  type AuthProof,
  encodeUnixMessage,
  type UnixMessage,
} from './unix-messages.ts';
import { judgeUnixPeer } from './unix-peer.ts';
import { challengeBytes, isSignedBy, proofBytes, signAs } from './unix-signature.ts';

/** Who this domus is in a handshake, to its end. */
export interface UnixSelf {
  /** The own canonical path. */
  readonly path: string;
  readonly material: AuthMaterial;
}

/** What the receiving side is to do next. */
export type UnixInboundStep =
  /** Wait for more bytes. */
  | { readonly kind: 'wait' }
  /** AUTH_INIT holds: dial `path`, write `callback` there and end that connection. */
  | { readonly kind: 'call-back'; readonly path: string; readonly callback: Buffer }
  /** This connection is a callback: complete the entry of `echoNonceACb` and close. */
  | {
      readonly kind: 'called-back';
      readonly address: DomusAddr;
      readonly nonceBCb: Buffer;
      readonly echoNonceACb: Buffer;
    }
  /** Authenticated. `rest` is a view into the chunk given. */
  | { readonly kind: 'done'; readonly peer: PeerIdentity; readonly rest: Buffer };

interface JudgedInit {
  readonly init: AuthInit;
  readonly leaf: X509Certificate;
}

type InboundState =
  | { readonly kind: 'first-message' }
  | ({ readonly kind: 'calling-back' } & JudgedInit)
  | ({ readonly kind: 'proof' } & JudgedInit)
  | { readonly kind: 'over' };

/** The nonces of a receiver: 32 random bytes each, of this handshake alone. */
export interface InboundNonces {
  readonly nonceB: Buffer;
  readonly nonceBCb: Buffer;
}

/** The side that accepted the connection: the receiver of a handshake, or the initiator who is called back. */
export class UnixInboundHandshake {
  readonly #self: UnixSelf;
  readonly #nonces: InboundNonces;
  readonly #reader = new UnixMessageReader();
  #state: InboundState = { kind: 'first-message' };

  constructor(self: UnixSelf, nonces: InboundNonces) {
    this.#self = self;
    this.#nonces = nonces;
  }

  /** Takes bytes from the peer; `nowMs` is the wall clock, by which certificates are judged. */
  bytesIn(chunk: Buffer, nowMs: number): UnixInboundStep {
    if (chunk.length === 0) return { kind: 'wait' };
    const state = this.#state;
    switch (state.kind) {
      case 'first-message':
        return this.#firstMessage(chunk, nowMs);
      case 'proof':
        return this.#proof(chunk, state);
      case 'calling-back':
        throw violation('early-bytes', 'bytes before AUTH_CHALLENGE was sent');
      case 'over':
        throw violation('early-bytes', 'bytes behind CALLBACK_INIT');
    }
  }

  /** The callback was written. Gives AUTH_CHALLENGE, to be written now. */
  callbackWritten(): Buffer {
    const state = this.#state;
    if (state.kind !== 'calling-back') throw new Error('no callback was asked for');
    this.#state = { ...state, kind: 'proof' };
    const { path: origin, material } = this.#self;
    const { nonceA, origin: destination } = state.init;
    const { nonceB } = this.#nonces;
    const signature = signAs(material.key, challengeBytes({ nonceA, nonceB, origin, destination }));
    const certificates = material.chain.map((certificate) => certificate.raw);
    return encodeUnixMessage({ kind: 'auth-challenge', origin, destination, certificates, nonceB, signature });
  }

  #firstMessage(chunk: Buffer, nowMs: number): UnixInboundStep {
    const read = this.#reader.read(chunk, ['auth-init', 'callback-init']);
    if (read === undefined) return { kind: 'wait' };
    const { message } = read;
    refuseRest(read.rest, message);
    if (message.kind !== 'auth-init' && message.kind !== 'callback-init') throw unexpected();
    requireDestination(message.destination, this.#self);
    if (message.kind === 'callback-init') {
      this.#state = { kind: 'over' };
      const { nonceBCb, echoNonceACb } = message;
      return { kind: 'called-back', address: unixAddress(message.origin), nonceBCb, echoNonceACb };
    }
    const leaf = judgeUnixPeer(message, this.#self.material, nowMs);
    this.#state = { kind: 'calling-back', init: message, leaf };
    return { kind: 'call-back', path: message.origin, callback: this.#callback(message) };
  }

  #callback({ origin, nonceACb }: AuthInit): Buffer {
    return encodeUnixMessage({
      kind: 'callback-init',
      origin: this.#self.path,
      destination: origin,
      nonceBCb: this.#nonces.nonceBCb,
      echoNonceACb: nonceACb,
    });
  }

  #proof(chunk: Buffer, judged: JudgedInit): UnixInboundStep {
    const read = this.#reader.read(chunk, ['auth-proof']);
    if (read === undefined) return { kind: 'wait' };
    if (read.message.kind !== 'auth-proof') throw unexpected();
    this.#requireProof(read.message, judged);
    this.#state = { kind: 'over' };
    const peer = identityOf(judged.leaf, unixAddress(judged.init.origin));
    return { kind: 'done', peer, rest: read.rest };
  }

  #requireProof({ echoNonceBCb, signature }: AuthProof, { init, leaf }: JudgedInit): void {
    if (!sameBytes(echoNonceBCb, this.#nonces.nonceBCb)) {
      throw violation('wrong-nonce', 'AUTH_PROOF does not echo the nonce of the callback');
    }
    const { nonceA, origin, destination } = init;
    if (!isSignedBy(leaf.publicKey, proofBytes({ ...this.#nonces, nonceA, origin, destination }), signature)) {
      throw violation('bad-signature', 'AUTH_PROOF is not signed by the key of the leaf');
    }
  }
}

/** The nonces of an initiator: 32 random bytes each, of this handshake alone. */
export interface OutboundNonces {
  readonly nonceA: Buffer;
  readonly nonceACb: Buffer;
}

/** The end of A0 on the side of the initiator: `proof` is to be written, then the stream is authenticated. */
export interface UnixOutboundDone {
  readonly proof: Buffer;
  readonly peer: PeerIdentity;
}

/** What has come so far. */
interface OutboundParts {
  readonly nonceBCb?: Buffer;
  readonly challenge?: { readonly nonceB: Buffer; readonly leaf: X509Certificate };
}

type OutboundState = ({ readonly kind: 'open' } & OutboundParts) | { readonly kind: 'over' };

/** The side that dialled the primary channel: the initiator. */
export class UnixOutboundHandshake {
  readonly #self: UnixSelf;
  readonly #peer: string;
  readonly #nonces: OutboundNonces;
  readonly #reader = new UnixMessageReader();
  #state: OutboundState = { kind: 'open' };
  /** AUTH_INIT, to be written first, once the callback is expected. */
  readonly authInit: Buffer;

  /** `peer` is the canonical path that was dialled. Throws `invalid-config` where the own chain is too long for the wire. */
  constructor(self: UnixSelf, peer: string, nonces: OutboundNonces) {
    this.#self = self;
    this.#peer = peer;
    this.#nonces = nonces;
    const certificates = self.material.chain.map((certificate) => certificate.raw);
    this.authInit = encodeUnixMessage({
      kind: 'auth-init',
      origin: self.path,
      destination: peer,
      certificates,
      ...nonces,
    });
  }

  /** The expected callback has come, with the peer's nonce. */
  calledBack(nonceBCb: Buffer): UnixOutboundDone | undefined {
    const state = this.#state;
    if (state.kind !== 'open' || state.nonceBCb !== undefined) throw new Error('the callback came twice');
    return this.#proceed({ ...state, nonceBCb });
  }

  /** Takes bytes from the peer; `nowMs` is the wall clock, by which certificates are judged. */
  bytesIn(chunk: Buffer, nowMs: number): UnixOutboundDone | undefined {
    if (chunk.length === 0) return undefined;
    const state = this.#state;
    if (state.kind !== 'open' || state.challenge !== undefined) {
      throw violation('early-bytes', 'bytes behind AUTH_CHALLENGE before AUTH_PROOF was sent');
    }
    const read = this.#reader.read(chunk, ['auth-challenge']);
    if (read === undefined) return undefined;
    const { message } = read;
    refuseRest(read.rest, message);
    if (message.kind !== 'auth-challenge') throw unexpected();
    const leaf = this.#judge(message, nowMs);
    return this.#proceed({ ...state, challenge: { nonceB: message.nonceB, leaf } });
  }

  #judge(challenge: AuthChallenge, nowMs: number): X509Certificate {
    const { origin, destination, nonceB, signature } = challenge;
    if (origin !== this.#peer) {
      const names = `${JSON.stringify(origin)}, not ${JSON.stringify(this.#peer)}`;
      throw violation('other-address', `the listener calls itself ${names}`);
    }
    requireDestination(destination, this.#self);
    const leaf = judgeUnixPeer(challenge, this.#self.material, nowMs);
    const signed = challengeBytes({ nonceA: this.#nonces.nonceA, nonceB, origin, destination });
    if (isSignedBy(leaf.publicKey, signed, signature)) return leaf;
    throw violation('bad-signature', 'AUTH_CHALLENGE is not signed by the key of the leaf');
  }

  #proceed(parts: OutboundParts): UnixOutboundDone | undefined {
    const { nonceBCb, challenge } = parts;
    if (nonceBCb === undefined || challenge === undefined) {
      this.#state = { ...parts, kind: 'open' };
      return undefined;
    }
    this.#state = { kind: 'over' };
    const { nonceB, leaf } = challenge;
    const names = { origin: this.#self.path, destination: this.#peer };
    const bytes = proofBytes({ nonceA: this.#nonces.nonceA, nonceB, nonceBCb, ...names });
    const signature = signAs(this.#self.material.key, bytes);
    const proof = encodeUnixMessage({ kind: 'auth-proof', echoNonceBCb: nonceBCb, signature });
    return { proof, peer: identityOf(leaf, unixAddress(this.#peer)) };
  }
}

function requireDestination(destination: string, { path }: UnixSelf): void {
  if (destination === path) return;
  throw violation('other-destination', `a message for ${JSON.stringify(destination)} came to ${JSON.stringify(path)}`);
}

function refuseRest(rest: Buffer, message: UnixMessage): void {
  if (rest.length > 0) throw violation('early-bytes', `bytes behind ${message.kind}`);
}

function unexpected(): Error {
  return new Error('the reader gave a message that was not expected');
}

function violation(detail: string, text: string): DomusError {
  return new DomusError('protocol-violation', text, { detail });
}
