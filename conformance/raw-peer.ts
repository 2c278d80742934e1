/**
 * A peer that passes A0 and then does what its case says: it dials, and keeps the connections that come. A0 is that of
 * transport-a0, so connecting back works in both directions.
 */
import type { DomusAddr } from '@flaminia/transport-a0';
import {
  type AuthenticatedStream,
  type Backend,
  type BackendOptions,
  TcpBackend,
  UnixBackend,
} from '@flaminia/transport-a0/internal';
import type { Place } from './ground.ts';
import { Happenings } from './happenings.ts';

const LIMITS = { handshakeTimeoutMs: 60_000, callbackTimeoutMs: 60_000, inboundHandshakeLimitTotal: 64 };

export class RawPeer {
  readonly address: DomusAddr;
  readonly happenings: Happenings = new Happenings();
  readonly #backend: Backend;
  readonly #accepted: AuthenticatedStream[] = [];
  #sequence = 0;

  /** A peer that listens. Rejects with `bind-failed` where somebody else has taken the port meanwhile. */
  static async open(place: Place): Promise<RawPeer> {
    const peer = new RawPeer(place);
    await peer.#backend.listen();
    return peer;
  }

  private constructor({ address, load }: Place) {
    const isTcp = address.startsWith('tcp:');
    const options: BackendOptions = {
      address,
      limits: () => LIMITS,
      material: load,
      nextSequence: () => ++this.#sequence,
      events: {
        accepted: (stream) => this.#accept(stream),
        inboundFailed: () => {},
        admissionRefused: () => {},
        listenerFailed: () => {},
      },
    };
    this.address = address;
    this.#backend = isTcp ? new TcpBackend(options) : new UnixBackend(options);
  }

  /** A connection that has passed A0. */
  dial(to: DomusAddr): Promise<AuthenticatedStream> {
    return this.#backend.dial(to, new AbortController().signal);
  }

  async close(): Promise<void> {
    await this.#backend.close();
    for (const stream of this.#accepted) stream.destroy();
    this.happenings.end();
  }

  #accept(stream: AuthenticatedStream): void {
    this.#accepted.push(stream);
    this.happenings.add({ kind: 'connection', stream });
  }
}
