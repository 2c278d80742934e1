/**
 * A backend is one way of making authenticated streams. A domus has exactly one, picked by its own address
 * (a0-transport, addresses). TCP, Unix sockets and memory share this contract, and one contract suite proves it.
 */
import type { DomusAddr } from './address.ts';
import type { AuthMaterial } from './auth-material.ts';
import type { AuthenticatedStream } from './stream.ts';

/** Time limits and bounds of A0, in milliseconds and counts; ranges stand in docs/protocol/config.md. Read at each use. */
export interface A0Limits {
  readonly handshakeTimeoutMs: number;
  readonly callbackTimeoutMs: number;
  readonly inboundHandshakeLimitTotal: number;
}

/** What a backend tells its domus while it runs. */
export interface BackendEvents {
  /** An accepted connection has passed A0. The backend holds no permit for it any more. */
  accepted(stream: AuthenticatedStream): void;
  /** An inbound connection did not pass A0; diagnostics only, the peer was told nothing. */
  inboundFailed(failure: InboundFailure): void;
  /** No admission permit was free: the connection was closed without a byte (log id 1001). */
  admissionRefused(): void;
  /** The listener died of itself (the world's failure, never after `close`). */
  listenerFailed(error: Error): void;
}

/** Why an inbound connection ended before it was authenticated. */
export interface InboundFailure {
  /** Where the connection came from, as far as the system told: `ip:port`, or `unix`. */
  readonly remote: string;
  readonly error: Error;
}

/** What every backend is built with. `limits` and `material` are functions, since both may change while running. */
export interface BackendOptions {
  /** The canonical address and identity of this domus. */
  readonly address: DomusAddr;
  readonly limits: () => A0Limits;
  readonly material: () => AuthMaterial;
  /** The next number of the domus-wide sequence, taken when AUTH_CHALLENGE is sent. */
  readonly nextSequence: () => number;
  readonly events: BackendEvents;
  /** Bind here instead of at `address` (containers, NAT); `host:port`. TCP only. */
  readonly listen?: string;
}

/** One transport of one domus: it dials and it listens. */
export interface Backend {
  readonly kind: 'tcp' | 'unix' | 'memory';
  /** Starts to accept; rejects with `bind-failed` or `invalid-config`. */
  listen(): Promise<void>;
  /**
   * Dials a peer and runs all of A0. Rejects with a DomusError: `peer-unavailable` (refused, unreachable, time limit),
   * `protocol-violation` or `address-mismatch` (the peer is not who it should be). An abort rejects with
   * `peer-unavailable` and frees everything. `reads` is where the stream reads to: into one buffer again and again, which is
   * quicker, or each time into memory of its own, which its reader may keep (`StreamReceiver.bytes`).
   */
  dial(peer: DomusAddr, signal: AbortSignal, reads?: 'shared' | 'own'): Promise<AuthenticatedStream>;
  /** Stops accepting and ends all handshakes under way; authenticated streams live on. Idempotent. */
  close(): Promise<void>;
}

/** A backend that proves itself with certificates, so that these can be rotated (a0-transport, rotation). */
export interface CertifiedBackend extends Backend {
  /**
   * Makes ready for material that `BackendOptions.material` is about to give. Throws `address-mismatch` or
   * `invalid-config` for material that cannot serve, and then nothing has changed: what `material` gives goes on serving.
   */
  prepare(material: AuthMaterial): void;
}
