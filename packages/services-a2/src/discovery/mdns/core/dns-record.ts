/** DNS records and packets as far as DNS-SD needs them (RFC 1035, RFC 2782, RFC 6762), in the shapes of `multicast-dns`. */

export type DnsRecord = RecordHead &
  (
    | { readonly type: 'PTR'; readonly data: string }
    | { readonly type: 'SRV'; readonly data: SrvData }
    | { readonly type: 'TXT'; readonly data: readonly Uint8Array[] }
    | { readonly type: 'A' | 'AAAA'; readonly data: string }
  );

interface RecordHead {
  readonly name: string;
  /** Seconds; 0 says goodbye. */
  readonly ttl: number;
  /** The cache-flush bit: this record replaces older ones of its name and type. */
  readonly flush?: boolean;
}

export interface SrvData {
  readonly target: string;
  readonly port: number;
  readonly priority: number;
  readonly weight: number;
}

export interface DnsQuestion {
  readonly name: string;
  readonly type: string;
}

/** A packet that was heard. Its records may be of any type and shape. */
export interface HeardPacket {
  readonly type: string;
  readonly questions?: readonly DnsQuestion[];
  readonly answers?: readonly unknown[];
  readonly additionals?: readonly unknown[];
}

/** Names are equal whatever their case (RFC 6762, section 16). */
export function foldName(name: string): string {
  return name.toLowerCase();
}

/** The records among those of a packet that have a known type and the right shape, `most` at the most. */
export function knownRecords(records: readonly unknown[], most: number): DnsRecord[] {
  return records.slice(0, most).filter(isKnown);
}

function isKnown(value: unknown): value is DnsRecord {
  const { name, type, ttl, class: kind, data } = value as Readonly<Record<string, unknown>>;
  if (typeof name !== 'string' || typeof ttl !== 'number' || (kind !== undefined && kind !== 'IN')) return false;
  if (type === 'PTR' || type === 'A' || type === 'AAAA') return typeof data === 'string';
  if (type === 'TXT') return Array.isArray(data) && data.every((text) => text instanceof Uint8Array);
  return type === 'SRV' && isSrv(data);
}

function isSrv(data: unknown): data is SrvData {
  const { target, port } = (data ?? {}) as Partial<SrvData>;
  return typeof target === 'string' && Number.isInteger(port);
}
