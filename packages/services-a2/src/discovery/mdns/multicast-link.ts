/**
 * One mDNS socket: a family on an interface, through the package `multicast-dns`, which is loaded when first asked for.
 *
 * 1. A link never throws and never raises an `error` event: what fails is told as its state.
 * 2. After `close` nothing is told and nothing is left open.
 */
import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import { DomusError } from '@flaminia/transport-a0';
import type { DnsQuestion, DnsRecord, HeardPacket } from './core/dns-record.ts';
import type { LinkPlan } from './interface-plan.ts';

/** What is used of the package, which has no types of its own. */
interface Multicast {
  on(event: 'packet', listener: (packet: HeardPacket, from: RemoteInfo) => void): void;
  on(event: 'error' | 'warning', listener: (error: NodeJS.ErrnoException) => void): void;
  on(event: 'ready' | 'networkInterface', listener: () => void): void;
  query(packet: object, sent: (error?: Error | null) => void): void;
  respond(packet: object, sent: (error?: Error | null) => void): void;
  destroy(closed: () => void): void;
}

export type MulticastFactory = (options: object) => Multicast;

/** Loads the package; `unsupported` where it is not installed. */
export async function loadMulticast(): Promise<MulticastFactory> {
  try {
    // @ts-expect-error The package has no types.
    const loaded = (await import('multicast-dns')) as { readonly default: MulticastFactory };
    return loaded.default;
  } catch (cause) {
    const text = 'mdnsDiscovery needs the package multicast-dns (7.2.5), which is not installed';
    throw new DomusError('unsupported', text, { detail: 'multicast-dns', cause });
  }
}

/** What a link tells of. */
export interface LinkEvents {
  heard(packet: HeardPacket, from: RemoteInfo): void;
  /** The link's trouble may have changed. Never told from inside the constructor. */
  judged(): void;
}

const GROUPS = { 4: '224.0.0.251', 6: 'ff02::fb' } as const;
/** Such calls fail when an interface goes, or never had multicast; bad packets raise warnings too, and are nobody's trouble. */
const SOCKET_CALLS: ReadonlySet<string | undefined> = new Set([
  'addMembership',
  'setMulticastInterface',
  'bind',
  'send',
]);

export class MulticastLink {
  private readonly multicast: Multicast | undefined;
  private readonly events: LinkEvents;
  private isClosed = false;
  private sending = 0;
  private drained: (() => void) | undefined = undefined;
  /** Why nothing can be heard, and why nothing can be said; undefined where it can. */
  private deaf: string | undefined;
  private mute: string | undefined;

  /** @param trouble what is held to be wrong until the socket has proved otherwise. */
  constructor(make: MulticastFactory, plan: LinkPlan, port: number, trouble: string | undefined, events: LinkEvents) {
    this.events = events;
    this.deaf = trouble;
    this.mute = trouble;
    this.multicast = this.opened(make, plan, port);
  }

  /** Why the link does not work; undefined where it does. */
  get trouble(): string | undefined {
    return this.deaf ?? this.mute;
  }

  query(questions: readonly DnsQuestion[], answers: readonly DnsRecord[]): void {
    if (this.multicast === undefined) return;
    this.sending++;
    this.multicast.query({ questions, answers }, this.sent);
  }

  respond(answers: readonly DnsRecord[]): void {
    if (this.multicast === undefined) return;
    this.sending++;
    this.multicast.respond({ answers }, this.sent);
  }

  /** Resolves when the socket is closed; what was sent before has left by then. */
  async close(): Promise<void> {
    this.isClosed = true;
    const { multicast } = this;
    if (multicast === undefined) return;
    // A socket that is closed drops what it has not sent yet, and that may be the goodbye.
    if (this.sending > 0) {
      await new Promise<void>((resolve) => {
        this.drained = resolve;
      });
    }
    await new Promise<void>((resolve) => {
      multicast.destroy(resolve);
    });
  }

  private opened(make: MulticastFactory, plan: LinkPlan, port: number): Multicast | undefined {
    try {
      const socket: Socket = createSocket({
        type: `udp${plan.family}`,
        reuseAddr: true,
        ...(plan.family === 6 ? { ipv6Only: true } : {}),
      });
      // Bound to the wildcard: bound to an interface's own ip, a socket hears no multicast.
      const bind = plan.family === 4 ? '0.0.0.0' : '::';
      const { family, interface: on } = plan;
      const multicast = make({ socket, type: `udp${family}`, ip: GROUPS[family], interface: on, bind, port });
      multicast.on('packet', (packet, from) => {
        if (!this.isClosed) this.events.heard(packet, from);
      });
      multicast.on('error', this.failed);
      multicast.on('warning', (error) => {
        if (SOCKET_CALLS.has(error.syscall)) this.failed(error);
      });
      multicast.on('networkInterface', () => {
        this.deaf = undefined;
        this.tell();
      });
      return multicast;
    } catch (error) {
      this.failed(error as NodeJS.ErrnoException);
      return undefined;
    }
  }

  private readonly sent = (error?: Error | null): void => {
    if (--this.sending === 0) this.drained?.();
    if (error !== undefined && error !== null) {
      this.failed(error);
      return;
    }
    this.mute = undefined;
    this.tell();
  };

  private readonly failed = (error: NodeJS.ErrnoException): void => {
    const trouble = `${error.syscall ?? 'socket'} failed: ${error.code ?? error.message}`;
    if (error.syscall === 'send') this.mute = trouble;
    else this.deaf = trouble;
    this.tell();
  };

  private tell(): void {
    if (!this.isClosed && this.multicast !== undefined) this.events.judged();
  }
}
