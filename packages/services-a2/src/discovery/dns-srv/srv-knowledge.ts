/**
 * What looks at DNS have come to.
 *
 * 1. What was known of a target stays while its addresses cannot be found out; a target that is listed no more is gone.
 * 2. A failed look changes nothing. A name that does not exist empties the list after a grace that begins with the first
 *    look that says so.
 */
import { DomusError, tcpAddress } from '@flaminia/transport-a0';
import type { DiscoveredPeer } from '../discovery.ts';
import { checkClaim, type PeerClaim, vouchFor } from '../peer-claim.ts';
import { decodeTxt } from '../txt-record.ts';
import type { SrvOutcome, Target } from './srv-lookup.ts';

const NEVER = Number.POSITIVE_INFINITY;

export class SrvKnowledge {
  private readonly services: readonly string[];
  private readonly graceMs: number;
  private targets: readonly Target[] = [];
  private claim: Omit<PeerClaim, 'address'> = {};
  /** Why the TXT record is ignored; undefined where it is not. */
  refusal: string | undefined = undefined;
  private absentSince = NEVER;

  /** @param services what every target provides. */
  constructor(services: readonly string[], graceMs: number) {
    this.services = services;
    this.graceMs = graceMs;
  }

  /** When the list is emptied, if the name stays absent. */
  get emptyAt(): number {
    return this.targets.length === 0 ? NEVER : this.absentSince + this.graceMs;
  }

  note(outcome: SrvOutcome, now: number): void {
    if (outcome.kind === 'failed') return;
    if (outcome.kind === 'absent') {
      this.absentSince = Math.min(this.absentSince, now);
      if (now >= this.absentSince + this.graceMs) this.targets = [];
      return;
    }
    this.absentSince = NEVER;
    const before = new Map(this.targets.map((target) => [target.name, target.ips]));
    this.targets = outcome.targets.map((target) => ({ ...target, ips: target.ips ?? before.get(target.name) }));
    if (outcome.texts !== undefined) this.read(decodeTxt(outcome.texts));
  }

  /** In the order of priority, then of the answer; addresses that no domus can have are left out. */
  peers(): DiscoveredPeer[] {
    const ordered = [...this.targets].sort((a, b) => a.priority - b.priority);
    return ordered.flatMap((target) =>
      (target.ips ?? []).flatMap((ip) => {
        const checked = checkClaim(this.claimOf(this.claim, addressOf(ip, target.port)));
        return checked.ok ? [placed(checked.peer, target)] : [];
      }),
    );
  }

  /** The record speaks for every target: one that is no good is left aside as a whole, and the targets stay. */
  private read(claim: Omit<PeerClaim, 'address'>): void {
    const checked = checkClaim(this.claimOf(claim, 'tcp://127.0.0.1:1'));
    this.refusal = checked.ok ? undefined : `the TXT record is ignored: ${checked.reason}`;
    this.claim = checked.ok ? claim : {};
  }

  private claimOf(
    { services = [], metadata, nodeType, health }: Omit<PeerClaim, 'address'>,
    address: string | undefined,
  ): PeerClaim {
    return { address, nodeType, health, services: [...this.services, ...(services as readonly string[])], metadata };
  }
}

/** What DNS says of a target comes beside its metadata, which may have all the pairs that a peer may. */
function placed(peer: DiscoveredPeer, { priority, weight }: Target): DiscoveredPeer {
  const metadata = { ...peer.metadata, 'srv-priority': String(priority), 'srv-weight': String(weight) };
  return vouchFor(Object.freeze({ ...peer, metadata: Object.freeze(metadata) }));
}

function addressOf(ip: string, port: number): string | undefined {
  try {
    return tcpAddress(ip, port);
  } catch (error) {
    if (DomusError.is(error)) return undefined;
    throw error;
  }
}
