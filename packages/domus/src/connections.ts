/**
 * Who is connected: the peers with at least one active primary callis (connection), since when, and the peaks. It follows
 * the events of the machine, which come when a callis comes or goes; messages cost nothing here.
 */
import { type CoreEvent, type DomusCore, driverOf, type PeerSession } from '@flaminia/delivery-a1/internal';
import type { Caller } from '@flaminia/services-a2';
import { callerFrom } from '@flaminia/services-a2/internal';
import type { DomusAddr } from '@flaminia/transport-a0';

/** Who a peer is, as its certificate proves it. JSON-safe: a {@link Caller} without the certificate itself. */
export type ReportedIdentity = Omit<Caller, 'certificate'>;

/** A peer (remote node) with at least one active primary callis (connection). */
export interface ConnectedPeer {
  /** The address that it has proved to be at. */
  readonly address: DomusAddr;
  /** As its newest callis proved it. */
  readonly identity: ReportedIdentity;
  /** Active calles for messages, 1 or more. */
  readonly primaryCalles: number;
  /** Active calles for blob streams, 0 or more. */
  readonly blobCalles: number;
  /** Since when it has been connected without a break, in epoch milliseconds. */
  readonly connectedSince: number;
}

/** A number that rises and falls, and how high it was. */
export class Gauge {
  current = 0;
  /** The highest value ever. */
  peak = 0;
  private recentPeak = 0;

  rise(): void {
    this.current++;
    if (this.current > this.peak) this.peak = this.current;
    if (this.current > this.recentPeak) this.recentPeak = this.current;
  }

  fall(): void {
    this.current--;
  }

  /** The highest value since this was last asked; from now on it is the current one. */
  takeRecentPeak(): number {
    const peak = this.recentPeak;
    this.recentPeak = this.current;
    return peak;
  }
}

interface Connection {
  primaries: number;
  readonly since: number;
}

export class Connections {
  readonly peers: Gauge = new Gauge();
  readonly primaries: Gauge = new Gauge();
  readonly blobCalles: Gauge = new Gauge();
  /** In the order in which they came. */
  private readonly byAddress = new Map<string, Connection>();

  /** Takes every event of the machine. */
  note(event: CoreEvent): void {
    if (event.kind === 'primary-callis-connected') this.came(event.address);
    else if (event.kind === 'primary-callis-disconnected') this.went(event.address);
    else if (event.kind === 'blob-callis-connected') this.blobCalles.rise();
    else if (event.kind === 'blob-callis-disconnected') this.blobCalles.fall();
  }

  /** All that are connected now, in the order in which they came. */
  list(core: DomusCore): ConnectedPeer[] {
    return [...this.byAddress].map(([address, { primaries, since }]) => {
      // An active callis belongs to a session that the machine has.
      const session = core.peers.get(address)!;
      const blobCalles = session.calles.filter(({ phase, blob }) => phase === 'active' && blob !== undefined);
      return {
        address: address as DomusAddr,
        identity: identityOf(session),
        primaryCalles: primaries,
        blobCalles: blobCalles.length,
        connectedSince: since,
      };
    });
  }

  private came(address: string): void {
    this.primaries.rise();
    const known = this.byAddress.get(address);
    if (known !== undefined) {
      known.primaries++;
      return;
    }
    this.peers.rise();
    this.byAddress.set(address, { primaries: 1, since: Date.now() });
  }

  private went(address: string): void {
    const known = this.byAddress.get(address)!;
    this.primaries.fall();
    known.primaries--;
    if (known.primaries > 0) return;
    this.peers.fall();
    this.byAddress.delete(address);
  }
}

/** Who has an active callis has proved who it is. */
function identityOf(session: PeerSession): ReportedIdentity {
  const { certificate: _, ...identity } = callerFrom(driverOf(session).identity!);
  return identity;
}
