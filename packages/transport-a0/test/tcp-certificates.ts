/**
 * Leaves and chains that no domus may accept, as a table: each row breaks one rule of a0-transport, the rest is good.
 * `mayRead` rows are good, and guard the others against passing for a wrong reason.
 */
import type { IssuedCertificate } from '@flaminia/certificates/internal';
import {
  authorityExtensions,
  type CertificateRequest,
  domusExtensions,
  KEY_PURPOSES,
} from '@flaminia/certificates/internal';
import type { TcpAddress } from '../src/tls-dial.ts';
import { issue, issueAuthority, issueLeaf, type Leaf } from './tcp-imperium.ts';

type Extensions = CertificateRequest['extensions'];
type Extension = Extensions[number];
type Name = Extract<Extension, { kind: 'subject-alternative-name' }>['names'][number];

/** What a row is made from. */
export interface Workshop {
  readonly authority: IssuedCertificate;
  /** Another authority of the same name, which nobody here trusts. */
  readonly stranger: IssuedCertificate;
  /** The address that the leaf is for. */
  readonly address: TcpAddress;
}

export interface CertificateRow {
  readonly name: string;
  readonly make: (workshop: Workshop) => Promise<Leaf>;
}

const HOUR_MS = 3_600_000;
const ago = (hours: number): Date => new Date(Date.now() - hours * HOUR_MS);

/** The good extensions with one kind of them replaced or, without a replacement, left out. */
function changed({ address }: Workshop, kind: Extension['kind'], ...replacements: Extensions): Extensions {
  return [...domusExtensions(address.text).filter((extension) => extension.kind !== kind), ...replacements];
}

function row(name: string, over: (workshop: Workshop) => Partial<CertificateRequest>): CertificateRow {
  return { name, make: (workshop) => issueLeaf(workshop.authority, workshop.address.text, over(workshop)) };
}

/** A leaf that differs in its names. */
function named(name: string, names: (address: TcpAddress) => readonly Name[]): CertificateRow {
  return row(name, (workshop) => ({
    extensions: changed(workshop, 'subject-alternative-name', {
      kind: 'subject-alternative-name',
      names: names(workshop.address),
    }),
  }));
}

/** A leaf whose URI differs, beside the right IP name. */
function uri(name: string, text: (address: TcpAddress) => string): CertificateRow {
  return named(name, (address) => [
    { kind: 'uri', value: text(address) },
    { kind: 'ip', value: address.ip },
  ]);
}

/** A leaf below an intermediate that differs; both are shown. */
function below(name: string, over: (workshop: Workshop) => Partial<CertificateRequest>): CertificateRow {
  const make = async (workshop: Workshop): Promise<Leaf> => {
    const subject = [{ type: 'CN', value: 'intermediate' } as const];
    const request = { subject, issuer: workshop.authority, extensions: authorityExtensions(), ...over(workshop) };
    const intermediate = await issue(request);
    const { issued } = await issueLeaf(intermediate, workshop.address.text);
    return { issued, chain: issued.certificatePem + intermediate.certificatePem };
  };
  return { name, make };
}

const good = (address: TcpAddress): Name[] => [
  { kind: 'uri', value: `aurelia+${address.text}` },
  { kind: 'ip', value: address.ip },
];
const unknownCritical = { kind: 'raw', oid: '1.3.6.1.4.1.55555.1', critical: true, value: Buffer.of(5, 0) } as const;

const names: readonly CertificateRow[] = [
  row('[a0-auth-11] no names at all', (workshop) => ({ extensions: changed(workshop, 'subject-alternative-name') })),
  named('[a0-auth-11] only an IP name', ({ ip }) => [{ kind: 'ip', value: ip }]),
  named('[a0-auth-12] only the name of the other transport', ({ ip }) => [
    { kind: 'uri', value: 'aurelia+unix:///run/x.sock' },
    { kind: 'ip', value: ip },
  ]),
  named('[a0-auth-11] two addresses that differ in the port', (address) => [
    ...good(address),
    { kind: 'uri', value: `aurelia+tcp://${address.ip}:1` },
  ]),
  named('[a0-auth-11] two addresses that differ in the ip', (address) => [
    ...good(address),
    { kind: 'uri', value: `aurelia+tcp://127.0.0.9:${address.port}` },
    { kind: 'ip', value: '127.0.0.9' },
  ]),
  named('[a0-auth-11] a good address and a malformed one', (address) => [
    ...good(address),
    { kind: 'uri', value: 'aurelia+tcp://x' },
  ]),
  uri('[a0-auth-11] URI without a port', ({ ip }) => `aurelia+tcp://${ip}`),
  uri('[a0-auth-11] URI with an empty port', ({ ip }) => `aurelia+tcp://${ip}:`),
  uri('[a0-auth-11] URI with port 0', ({ ip }) => `aurelia+tcp://${ip}:0`),
  uri('[a0-auth-11] URI with port 65536', ({ ip }) => `aurelia+tcp://${ip}:65536`),
  uri('[a0-auth-11] URI with a signed port', ({ ip, port }) => `aurelia+tcp://${ip}:+${port}`),
  uri('[a0-auth-10] URI with a path', ({ ip, port }) => `aurelia+tcp://${ip}:${port}/`),
  uri('[a0-auth-10] URI with a query', ({ ip, port }) => `aurelia+tcp://${ip}:${port}?`),
  uri('[a0-auth-10] URI with a fragment', ({ ip, port }) => `aurelia+tcp://${ip}:${port}#`),
  uri('[a0-auth-10] URI with a user', ({ ip, port }) => `aurelia+tcp://a@${ip}:${port}`),
  uri('[a0-auth-11] URI with a host name', ({ port }) => `aurelia+tcp://localhost:${port}`),
  uri('[a0-auth-10] URI with percent-encoding', ({ ip, port }) => `aurelia+tcp://${ip}%3A${port}`),
  uri('[a0-auth-10] URI with a space behind', ({ ip, port }) => `aurelia+tcp://${ip}:${port} `),
  uri('[a0-auth-10] URI with a NUL', ({ ip, port }) => `aurelia+tcp://${ip}:${port}\0`),
  uri(
    '[a0-auth-10] URI with a comma and a second name inside',
    ({ ip, port }) => `x:", URI:"aurelia+tcp://${ip}:${port}`,
  ),
  uri('[a0-auth-11] URI with leading zeros in the ip', ({ port }) => `aurelia+tcp://127.000.000.001:${port}`),
  uri('[a0-auth-11] URI with a number for an ip', ({ port }) => `aurelia+tcp://2130706433:${port}`),
  uri('[a0-auth-11] URI with the ip mapped into IPv6', ({ ip, port }) => `aurelia+tcp://[::ffff:${ip}]:${port}`),
  uri('[a0-auth-11] URI with a wildcard ip', ({ port }) => `aurelia+tcp://0.0.0.0:${port}`),
  uri('[a0-auth-10] URI with the scheme in upper case', ({ ip, port }) => `AURELIA+TCP://${ip}:${port}`),
  uri('[a0-auth-12] URI with another scheme', ({ ip, port }) => `tcp://${ip}:${port}`),
  named('[a0-auth-8] no IP name', (address) => good(address).slice(0, 1)),
  named('[a0-auth-8] the IP name of another ip', (address) => [
    ...good(address).slice(0, 1),
    { kind: 'ip', value: '127.0.0.9' },
  ]),
  named('[a0-auth-8] the ip as a DNS name', (address) => [
    ...good(address).slice(0, 1),
    { kind: 'dns', value: address.ip },
  ]),
  named('[a0-tcp-2] the right names for another ip', ({ port }) => [
    { kind: 'uri', value: `aurelia+tcp://127.0.0.9:${port}` },
    { kind: 'ip', value: '127.0.0.9' },
  ]),
  uri('[a0-tcp-1] the right names for another port', ({ ip }) => `aurelia+tcp://${ip}:1`),
];

const leaves: readonly CertificateRow[] = [
  row('[a0-auth-13] expired', () => ({ notBefore: ago(2), notAfter: ago(1) })),
  row('[a0-auth-13] not yet valid', () => ({ notBefore: ago(-1), notAfter: ago(-2) })),
  row('[a0-auth-16] CA:TRUE', (workshop) => ({
    extensions: changed(workshop, 'basic-constraints', { kind: 'basic-constraints', ca: true }),
  })),
  row('[a0-auth-16] CA:TRUE and a key usage of an authority', ({ address }) => ({
    extensions: [...authorityExtensions(), { kind: 'subject-alternative-name', names: good(address) }],
  })),
  ...(['serverAuth', 'clientAuth', 'codeSigning', 'any'] as const).map((purpose) =>
    row(`[a0-auth-17] extended key usage ${purpose} alone`, (workshop) => ({
      extensions: changed(workshop, 'extended-key-usage', {
        kind: 'extended-key-usage',
        usages: [KEY_PURPOSES[purpose]],
      }),
    })),
  ),
  row('[a0-auth-13] key usage without digitalSignature', (workshop) => ({
    extensions: changed(workshop, 'key-usage', { kind: 'key-usage', usages: ['keyAgreement', 'keyEncipherment'] }),
  })),
  row('[a0-auth-13] an unknown critical extension', (workshop) => ({
    extensions: [...domusExtensions(workshop.address.text), unknownCritical],
  })),
  row('[a0-auth-4] signed with SHA-1', () => ({ signatureHash: 'SHA-1' })),
  row('[a0-auth-3] a P-521 key', () => ({ key: 'P-521' })),
  row('[a0-auth-3] an RSA key of 1024 bits', () => ({ key: 'RSA-1024' })),
  row('[a0-auth-3] a key for RSA-PSS alone', () => ({ key: 'RSA-PSS-2048' })),
];

const chains: readonly CertificateRow[] = [
  {
    name: '[a0-auth-13] an authority that nobody trusts, of the same name',
    make: ({ stranger, address }) => issueLeaf(stranger, address.text),
  },
  {
    name: '[a0-auth-13] the right issuer name over another key',
    make: ({ authority, stranger, address }) => issueLeaf({ ...authority, key: stranger.key }, address.text),
  },
  {
    name: '[a0-auth-13] self-signed',
    make: async ({ address }) => {
      const issued = await issue({ extensions: domusExtensions(address.text) });
      return { issued, chain: issued.certificatePem };
    },
  },
  {
    name: '[a0-auth-13] self-signed, with its issuer named as the authority',
    make: async ({ address }) => {
      const subject = [{ type: 'CN', value: 'authority' } as const];
      const issued = await issue({ subject, extensions: domusExtensions(address.text) });
      return { issued, chain: issued.certificatePem };
    },
  },
  {
    name: '[a0-auth-13] the chain of an untrusted authority, shown whole',
    make: async ({ stranger, address }) => {
      const { issued } = await issueLeaf(stranger, address.text);
      return { issued, chain: issued.certificatePem + stranger.certificatePem };
    },
  },
  {
    name: '[a0-auth-13] the intermediate not shown',
    make: async (workshop) => {
      const { issued } = await below('', () => ({})).make(workshop);
      return { issued, chain: issued.certificatePem };
    },
  },
  {
    name: '[a0-auth-13] issued by another leaf',
    make: async ({ authority, address }) => {
      const issuer = await issueLeaf(authority, address.text);
      const { issued } = await issueLeaf(issuer.issued, address.text);
      return { issued, chain: issued.certificatePem + issuer.chain };
    },
  },
  {
    name: '[a0-auth-13] an intermediate below an authority that allows none',
    make: async (workshop) => {
      const pathLength = { extensions: authorityExtensions({ pathLength: 0 }), issuer: workshop.authority };
      const narrow = await issue({ subject: [{ type: 'CN', value: 'narrow' }], ...pathLength });
      const leaf = await below('', () => ({ issuer: narrow })).make(workshop);
      return { issued: leaf.issued, chain: leaf.chain + narrow.certificatePem };
    },
  },
  below('[a0-auth-13] an intermediate without CA:TRUE', () => ({
    extensions: [{ kind: 'basic-constraints', ca: false }, ...authorityExtensions().slice(1)],
  })),
  below('[a0-auth-13] an intermediate without basic constraints', () => ({
    extensions: authorityExtensions().slice(1),
  })),
  below('[a0-auth-13] an intermediate that may not sign certificates', () => ({
    extensions: [
      { kind: 'basic-constraints', ca: true },
      { kind: 'key-usage', usages: ['digitalSignature'] },
    ],
  })),
  below('[a0-auth-13] an expired intermediate', () => ({ notBefore: ago(2), notAfter: ago(1) })),
  below('[a0-auth-13] an intermediate not yet valid', () => ({ notBefore: ago(-1), notAfter: ago(-2) })),
  below('[a0-auth-13] an intermediate of an untrusted authority', ({ stranger }) => ({ issuer: stranger })),
  below('[a0-auth-4] an intermediate signed with SHA-1', () => ({ signatureHash: 'SHA-1' })),
  below('[a0-auth-3] an intermediate with an RSA key of 1024 bits', () => ({ key: 'RSA-1024' })),
  below('[a0-auth-13] an intermediate with an unknown critical extension', () => ({
    extensions: [...authorityExtensions(), unknownCritical],
  })),
  below('[a0-auth-13] an intermediate whose name constraints exclude the ip', () => ({
    extensions: [
      ...authorityExtensions(),
      { kind: 'name-constraints', excluded: [{ kind: 'ip', value: '127.0.0.0/8' }] },
    ],
  })),
];

/** Rows that every domus refuses, as dialler and as listener. */
export const BAD_CERTIFICATES: readonly CertificateRow[] = [...names, ...leaves, ...chains];

/** Rows that every domus accepts. */
export const GOOD_CERTIFICATES: readonly CertificateRow[] = [
  row('nothing special', () => ({})),
  row('no subject', () => ({ subject: [] })),
  row('no extended key usage', (workshop) => ({ extensions: changed(workshop, 'extended-key-usage') })),
  row('no key usage', (workshop) => ({ extensions: changed(workshop, 'key-usage') })),
  row('no basic constraints', (workshop) => ({ extensions: changed(workshop, 'basic-constraints') })),
  row('nothing but names', ({ address }) => ({
    extensions: [{ kind: 'subject-alternative-name', names: good(address) }],
  })),
  named('the address twice', (address) => [...good(address), ...good(address)]),
  named('names of other schemes and kinds beside', (address) => [
    { kind: 'uri', value: 'aurelia+unix:///run/x.sock' },
    { kind: 'uri', value: 'spiffe://example.org/x' },
    { kind: 'dns', value: 'example.org' },
    ...good(address),
  ]),
  row('a P-384 key', () => ({ key: 'P-384' })),
  row('an Ed25519 key', () => ({ key: 'Ed25519' })),
  row('an RSA key of 2048 bits', () => ({ key: 'RSA-2048' })),
  row('an unknown extension that is not critical', ({ address }) => ({
    extensions: [...domusExtensions(address.text), { ...unknownCritical, critical: false }],
  })),
  below('an intermediate', () => ({})),
  below('an intermediate with an RSA key, signing with PSS below', () => ({ key: 'RSA-2048' })),
];

/** Two authorities of one name, one of them trusted. */
export async function openWorkshop(address: TcpAddress): Promise<Workshop> {
  return { authority: await issueAuthority(), stranger: await issueAuthority(), address };
}
