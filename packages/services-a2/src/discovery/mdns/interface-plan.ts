/** Which interfaces of this machine carry mDNS, and which senders are on their links. */
import { BlockList, isIPv4, isIPv6 } from 'node:net';
import { type NetworkInterfaceInfo, networkInterfaces } from 'node:os';
import { type DomusAddr, parseAddress } from '@flaminia/transport-a0';

/** One socket: a family on an interface. */
export interface LinkPlan {
  readonly family: 4 | 6;
  /** What names the interface to the system: its ip, or for IPv6 `::%name`. */
  readonly interface: string;
}

export type Interfaces = Readonly<Record<string, readonly NetworkInterfaceInfo[] | undefined>>;

const LINKS_MAX = 16;

/**
 * The links for an interface given by name or ip, or `all`. Where none is given: the interface that has the ip of the own
 * domus, or all where none has, as behind address translation. Empty where there is no such interface (now).
 */
export function planLinks(
  wanted: string | undefined,
  own: DomusAddr,
  interfaces: Interfaces = networkInterfaces(),
): readonly LinkPlan[] {
  const parsed = parseAddress(own);
  const ownIp = parsed.kind === 'tcp' ? parsed.ip : undefined;
  const names =
    wanted === undefined
      ? namesWith(ownIp, interfaces, everyName(interfaces))
      : wanted === 'all'
        ? everyName(interfaces)
        : namesWith(wanted, interfaces, []);
  return names.flatMap((name) => linksOf(name, interfaces[name] ?? [])).slice(0, LINKS_MAX);
}

/** Senders that mDNS may believe: those of an own subnet, and link-local ones (RFC 6762, section 11). */
export function onLinkSenders(interfaces: Interfaces = networkInterfaces()): (ip: string) => boolean {
  const list = new BlockList();
  list.addSubnet('fe80::', 10, 'ipv6');
  for (const { cidr, family } of Object.values(interfaces).flatMap((addresses) => addresses ?? [])) {
    const [net, bits] = (cidr ?? '').split('/');
    if (net !== undefined && bits !== undefined) list.addSubnet(net, Number(bits), family === 'IPv4' ? 'ipv4' : 'ipv6');
  }
  return (ip) => {
    const plain = ip.split('%', 1)[0]!;
    if (isIPv4(plain)) return list.check(plain, 'ipv4');
    return isIPv6(plain) && list.check(plain, 'ipv6');
  };
}

function namesWith(
  wanted: string | undefined,
  interfaces: Interfaces,
  otherwise: readonly string[],
): readonly string[] {
  if (wanted === undefined) return otherwise;
  if (interfaces[wanted] !== undefined) return [wanted];
  const found = Object.keys(interfaces).filter((name) => interfaces[name]?.some(({ address }) => address === wanted));
  return found.length > 0 ? found.slice(0, 1) : otherwise;
}

/** All that lead out of the machine; where none does, the loopback. */
function everyName(interfaces: Interfaces): readonly string[] {
  const names = Object.keys(interfaces);
  const outward = names.filter((name) => interfaces[name]?.some(({ internal }) => !internal));
  return outward.length > 0 ? outward : names;
}

function linksOf(name: string, addresses: readonly NetworkInterfaceInfo[]): LinkPlan[] {
  const v4 = addresses.find(({ family }) => family === 'IPv4');
  const links: LinkPlan[] = v4 === undefined ? [] : [{ family: 4, interface: v4.address }];
  if (addresses.some(({ family }) => family === 'IPv6')) links.push({ family: 6, interface: `::%${name}` });
  return links;
}
