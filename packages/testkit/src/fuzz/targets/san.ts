/**
 * `san`: who a certificate says that it is, and whether to believe it (a0-transport, addresses, identity in the leaf,
 * auth material). The first byte says what the rest is: a certificate, the names in one, an address, or the body of a
 * certificate that the authority of the fuzzer signs, so that the judges behind the signature are reached.
 */
import { X509Certificate } from 'node:crypto';
import { parseAddress } from '@flaminia/transport-a0';
import { addressOfLeaf, encodeDer, identityOf, leafRefusal, validateChain } from '@flaminia/transport-a0/internal';
import { Broken } from '../broken.ts';
import { judged } from '../declared.ts';
import { derLayout } from '../der-layout.ts';
import { fuzzAuthority, goldenAuthority, goldenChains, issuableBody, issue, namesOf, withNames } from '../issuing.ts';
import { type Layout, NO_LAYOUT } from '../layout.ts';
import { concat } from '../mutations.ts';
import type { FuzzTarget, Outcome } from '../target.ts';

const CERTIFICATE = 0;
const NAMES = 1;
const ADDRESS = 2;
const BODY = 3;
const FORMS = 4;
const EXTENSIONS_TAG = 0xa3;

/** A moment at which the golden certificates hold. */
const NOW_MS = Date.UTC(2026, 0, 1);
const KINDS = ['tcp', 'unix'] as const;

const ADDRESSES = [
  'tcp://127.0.0.1:7401',
  'tcp://[::1]:65535',
  'tcp://[2001:db8::8:800:200c:417a]:1',
  'tcp://[::ffff:10.0.0.1]:80',
  'unix:///run/flaminia/alpha.sock',
  'unix:///a/é/b',
];
const WORDS = [
  'aurelia+tcp://10.0.0.1:1',
  'aurelia+unix:///a',
  'tcp://',
  'unix://',
  '/../',
  '//',
  '\0',
  '%2e',
  '[::1]:1',
  '::ffff:',
  '0.0.0.0',
  ':65536',
  '\u{1f600}',
];
/** Names of every kind, as they stand in a subject alternative name. */
const NAMES_DER = [
  uriName('aurelia+tcp://127.0.0.1:7401'),
  uriName('aurelia+tcp://[::1]:7401'),
  uriName('aurelia+unix:///run/flaminia/alpha.sock'),
  uriName('https://example.org/'),
  hex('87047f000001'),
  hex('871000000000000000000000000000000001'),
  hex('8203612e62'),
  hex('a402300000'),
];
/** Extensions: constraints, usages, names of subtrees, an unknown one, critical or not. */
const EXTENSIONS_DER = [
  hex('300f0603551d130101ff040530030101ff'),
  hex('30090603551d1304023000'),
  hex('300e0603551d0f0101ff040403020780'),
  hex('300b0603551d0f040403020106'),
  hex('30130603551d25040c300a06082b06010505070302'),
  hex('300d0603551d1e0101ff0403300100'),
  hex('300c06022a030101ff04030101ff'),
];

export const san: FuzzTarget = {
  name: 'san',
  maxBytes: 2048,
  words: WORDS.map((text) => Buffer.from(text)),
  parts: [...NAMES_DER, ...EXTENSIONS_DER],
  unitsAreFree: true,
  seeds,
  layout,
  run(input) {
    const rest = input.subarray(1);
    switch (formOf(input)) {
      case ADDRESS:
        return judgeAddress(Buffer.from(rest).toString());
      case NAMES:
        return judgeLeaf('names', withNames(rest));
      case BODY:
        return judgeLeaf('body', issue(rest));
      default:
        return judgeLeaf('certificate', rest);
    }
  },
};

/** Of a certificate the extensions alone: in the rest the platform's parser takes almost nothing that is not as it was. */
function layout(input: Uint8Array): Layout {
  const form = formOf(input);
  if (form === ADDRESS) return NO_LAYOUT;
  const { fields, units, spans } = derLayout(input, 1, input.length);
  if (form === NAMES) return { fields, units, spans };
  const from = units.find(({ start }) => input[start] === EXTENSIONS_TAG)?.start ?? 0;
  return { fields: fields.filter(({ at }) => at > from), units: units.filter(({ start }) => start > from), spans };
}

function formOf(input: Uint8Array): number {
  return (input[0] ?? CERTIFICATE) % FORMS;
}

function judgeAddress(text: string): Outcome {
  const parsed = judged('invalid-config', () => parseAddress(text));
  // The text names the rule, and behind it what was given.
  if (parsed.kind === 'refused') return { verdict: 'address refused', features: [parsed.text.split(', got')[0]!] };
  const { text: canonical, kind } = parsed.value;
  if (parseAddress(canonical).text !== canonical) throw new Broken(`${canonical} is not canonical`);
  return { verdict: 'address taken', features: [`address ${kind} ${canonical === text ? 'as it was' : 'changed'}`] };
}

function judgeLeaf(form: string, der: Uint8Array): Outcome {
  let leaf: X509Certificate;
  try {
    leaf = new X509Certificate(der);
  } catch {
    // The platform's own parser has refused it, before any code of ours.
    return { verdict: `${form} unparsable`, features: [`${form} unparsable`] };
  }
  const names = KINDS.map((kind) => judgeName(leaf, kind));
  const fitness = judged('protocol-violation', () => leafRefusal(leaf) ?? 'fit');
  const chain = form === 'names' ? 'not asked' : judgeChain(leaf, form);
  const verdict = names.includes('named') ? `${form} named` : `${form} nameless`;
  const fit = fitness.kind === 'taken' ? fitness.value : fitness.verdict;
  return {
    verdict: form === 'names' ? verdict : `${verdict}, chain ${chain.split(':')[0]}`,
    features: [`${form} ${names.join(' ')}`, `${form} ${fit}`, `${form} chain ${chain}`],
  };
}

function judgeName(leaf: X509Certificate, kind: 'tcp' | 'unix'): string {
  const judgement = judged('protocol-violation', () => {
    const address = addressOfLeaf(leaf, kind);
    return { address, identity: identityOf(leaf, address) };
  });
  if (judgement.kind === 'refused') return judgement.verdict;
  const { address, identity } = judgement.value;
  const parsed = parseAddress(address);
  if (parsed.text !== address || parsed.kind !== kind) throw new Broken(`a leaf names ${address}`);
  if (parsed.kind === 'tcp' && leaf.checkIP(parsed.ip) === undefined) throw new Broken(`no IP name for ${address}`);
  if (identity.address !== address) throw new Broken(`${address} became ${identity.address}`);
  return 'named';
}

function judgeChain(leaf: X509Certificate, form: string): string {
  const ca = [form === 'body' ? fuzzAuthority : goldenAuthority];
  const verdict = validateChain({ chain: [leaf], ca, nowMs: NOW_MS });
  if (verdict.kind === 'refused') return verdict.reason;
  if (leaf.ca) throw new Broken('a leaf that is an authority is valid');
  if (Date.parse(leaf.validFrom) > NOW_MS || Date.parse(leaf.validTo) <= NOW_MS)
    throw new Broken(`a leaf of ${leaf.validFrom} to ${leaf.validTo} is valid`);
  return 'valid';
}

function seeds(): Uint8Array[] {
  const formed = (form: number, bytes: Uint8Array): Uint8Array => concat(Uint8Array.of(form), bytes);
  const leaves = goldenChains.map(([leaf]) => leaf!);
  return [
    ...goldenChains.slice(0, 4).map(([leaf]) => formed(CERTIFICATE, leaf!)),
    ...leaves.map((leaf) => formed(NAMES, namesOf(leaf))),
    ...leaves.map((leaf) => formed(BODY, issuableBody(leaf))),
    ...ADDRESSES.map((text) => formed(ADDRESS, Buffer.from(text))),
  ];
}

function uriName(text: string): Buffer {
  return encodeDer(0x86, Buffer.from(text));
}

function hex(text: string): Buffer {
  return Buffer.from(text, 'hex');
}
