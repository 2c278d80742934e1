/**
 * Chains, good and broken, with the verdict that each must get. `stricter` says why a chain is refused here that OpenSSL
 * takes; all other verdicts are OpenSSL's too.
 */
import { generateKeyPairSync, type X509Certificate } from 'node:crypto';
import {
  authorityExtensions,
  type CertificateExtension,
  KEY_PURPOSES,
  type KeyUsage,
} from '@flaminia/certificates/internal';
import type { ChainRefusal } from '../src/chain-validator.ts';
import {
  AUTHORITY,
  CASES_NOW_MS,
  constraints,
  DAY_MS,
  keyless,
  LEAF,
  type Made,
  makeLeaf,
  makeLoop,
  makeRoot,
  makeSub,
  makeSubs,
  md5Signed,
  misledLeaf,
  mismatched,
  named,
  type Over,
  plus,
  purposes,
  raw,
  tampered,
  thirteenthMonth,
  usages,
  without,
} from './chain-making.ts';

type Verdict = 'valid' | ChainRefusal;

export interface ChainCase {
  readonly name: string;
  readonly verdict: Verdict;
  /** Why OpenSSL takes what is refused here. */
  readonly stricter?: string;
  /** Leaf first, then what else a peer would present. */
  readonly chain: readonly X509Certificate[];
  /** The CA set. */
  readonly ca: readonly X509Certificate[];
}

const YEAR_MS = 365 * DAY_MS;
const OIDS = {
  unknown: '1.3.6.1.4.1.99999.1',
  basicConstraints: '2.5.29.19',
  policies: '2.5.29.32',
  subjectAltName: '2.5.29.17',
  extendedKeyUsage: '2.5.29.37',
  netscapeType: '2.16.840.1.113730.1.1',
  proxy: '1.3.6.1.5.5.7.1.14',
  gated: '1.3.6.1.4.1.311.10.3.3',
} as const;

/** Makes every case. */
export async function chainCases(): Promise<ChainCase[]> {
  const groups = [goodChains, pathCases, dateCases, authorityCases, purposeCases, extensionCases, algorithmCases];
  const cases = await Promise.all(groups.map((group) => group()));
  return cases.flat();
}

async function goodChains(): Promise<ChainCase[]> {
  const root = await makeRoot();
  const sub = await makeSub(root);
  const subs = [sub, await makeSub(sub, 'second'), await makeSub(root, 'stranger')] as const;
  const bare = (over: Over): Over => ({ ...over, extensions: keyless(over.extensions ?? LEAF) });
  const plainRoot = await makeRoot(bare({ extensions: AUTHORITY }));
  const good = async (name: string, issuer: Made, over: Over, rest: Made[] = [], ca: Made[] = [root]) =>
    caseOf(name, 'valid', [await makeLeaf(issuer, over), ...rest], ca);
  return Promise.all([
    good('a leaf below the root', root, {}),
    good('an intermediate', sub, {}, [sub]),
    good('two intermediates, the upper one first', subs[1], {}, [sub, subs[1]]),
    good('certificates that lead nowhere', sub, {}, [subs[2], sub]),
    good('the root is presented too', sub, {}, [sub, root]),
    good('the same intermediate twice', sub, {}, [sub, sub]),
    good('an intermediate that stands in the CA set', sub, {}, [], [sub, root]),
    good('no key identifiers', plainRoot, bare({}), [], [plainRoot]),
    good('a leaf without key usage', root, { extensions: without(LEAF, 'key-usage') }),
    good('a leaf without extended key usage', root, { extensions: without(LEAF, 'extended-key-usage') }),
    good('a leaf without basic constraints', root, { extensions: without(LEAF, 'basic-constraints') }),
    good('critical names and purposes', root, {
      extensions: LEAF.map((extension) => ({ ...extension, critical: !extension.kind.endsWith('identifier') })),
    }),
    good('further purposes', root, purposes(KEY_PURPOSES.codeSigning, ...BOTH_ROLES)),
    good('an unknown extension that is not critical', root, plus(LEAF, raw(OIDS.unknown, '0500'))),
    good('policies that are not critical', root, plus(LEAF, raw(OIDS.policies, ANY_POLICY))),
    good('a Netscape type for both roles', root, plus(LEAF, raw(OIDS.netscapeType, '030206c0'))),
  ]);
}

async function pathCases(): Promise<ChainCase[]> {
  const root = await makeRoot();
  const sub = await makeSub(root);
  const leaf = await makeLeaf(sub);
  const namesake = await makeRoot();
  const other = await makeRoot({ subject: named('another root') });
  const plainRoots = await Promise.all([1, 2].map(() => makeRoot({ extensions: keyless(AUTHORITY) })));
  const plainLeaf = await makeLeaf(plainRoots[1]!, { extensions: keyless(LEAF) });
  const cross = await makeSub(other, 'sub', { key: sub.key });
  const selfSigned = await makeLeaf(undefined);
  const long = await makeSubs(root, 15);
  const longLeaf = await makeLeaf(long[14]!);
  const loop = await makeLoop();
  return [
    caseOf('another root', 'no-anchor', [leaf, sub], [other]),
    caseOf('another root of the same name', 'no-anchor', [leaf, sub], [namesake]),
    caseOf('two roots of one name, told apart by key identifier', 'valid', [leaf, sub], [namesake, root]),
    caseOf('two roots of one name without key identifiers', 'valid', [plainLeaf], [plainRoots[1]!, plainRoots[0]!]),
    caseOf('a root of the same name without key identifiers', 'no-anchor', [plainLeaf], [plainRoots[0]!]),
    caseOf('an intermediate is missing', 'no-anchor', [leaf], [root]),
    caseOf('the root is presented and not known', 'no-anchor', [leaf, sub, root], [other]),
    caseOf('a CA set without self-signed certificates', 'no-anchor', [leaf], [sub]),
    caseOf('a self-signed leaf', 'no-anchor', [selfSigned], [root]),
    caseOf('a self-signed leaf in the CA set', 'no-anchor', [selfSigned], [selfSigned], ANCHOR_IS_NO_LEAF),
    caseOf('the known one of two cross certificates comes first', 'valid', [leaf, sub, cross], [root]),
    caseOf('the known one of two cross certificates comes last', 'no-anchor', [leaf, cross, sub], [root]),
    caseOf('issuers that go round in a circle', 'no-anchor', loop, [root]),
    caseOf('an issuer by another name', 'no-anchor', [await makeLeaf(root, { issuerName: named('nobody') })], [root]),
    caseOf('an issuer with another key identifier', 'no-anchor', [await misledLeaf(root)], [root]),
    caseOf('a path of 16 certificates', 'valid', [await makeLeaf(long[13]!), ...long.slice(0, 14)], [root]),
    caseOf('a path of 17 certificates', 'path-too-long', [longLeaf, ...long], [root], 'work is bounded'),
    caseOf('a leaf with a changed signature', 'no-anchor', [tampered(await makeLeaf(root))], [root]),
    caseOf('a leaf with a changed signature, below an intermediate', 'bad-signature', [tampered(leaf), sub], [root]),
    caseOf('an intermediate with a changed signature', 'no-anchor', [leaf, tampered(sub)], [root]),
    caseOf('a leaf whose two algorithms differ', 'bad-signature', [mismatched(leaf, sub.key), sub], [root]),
  ];
}

async function dateCases(): Promise<ChainCase[]> {
  const root = await makeRoot();
  const sub = await makeSub(root);
  const at = (fromMs: number, toMs: number): Over => ({
    notBefore: new Date(CASES_NOW_MS + fromMs),
    notAfter: new Date(CASES_NOW_MS + toMs),
  });
  const [past, future] = [at(-2 * DAY_MS, -DAY_MS), at(DAY_MS, 2 * DAY_MS)];
  const below = async (issuer: Made): Promise<Made[]> => [await makeLeaf(issuer), issuer];
  const [pastRoot, futureRoot] = [await makeRoot(past), await makeRoot(future)];
  const renewed = await makeRoot({ key: pastRoot.key });
  const pastSub = await makeSub(root, 'sub', { ...past, key: sub.key });
  const futureSub = await makeSub(root, 'sub', future);
  const wrongMonth = thirteenthMonth(await makeLeaf(sub), sub.key);
  return [
    await leafCase('a leaf that has expired', 'expired', past),
    await leafCase('a leaf of tomorrow', 'not-yet-valid', future),
    await leafCase('a leaf in its first second', 'valid', at(0, DAY_MS)),
    await leafCase('a leaf a second too early', 'not-yet-valid', at(1000, DAY_MS)),
    await leafCase('a leaf in its last second', 'valid', at(-DAY_MS, 1000)),
    await leafCase('a leaf at its very end', 'expired', at(-DAY_MS, 0)),
    await leafCase('a leaf from before 2000 to behind 2050', 'valid', at(-30 * YEAR_MS, 30 * YEAR_MS)),
    caseOf('an intermediate that has expired', 'expired', await below(pastSub), [root]),
    caseOf('an intermediate of tomorrow', 'not-yet-valid', await below(futureSub), [root]),
    caseOf('a root that has expired', 'expired', [await makeLeaf(pastRoot)], [pastRoot]),
    caseOf('a root of tomorrow', 'not-yet-valid', [await makeLeaf(futureRoot)], [futureRoot]),
    caseOf('a root that was renewed with its key', 'valid', [await makeLeaf(pastRoot)], [pastRoot, renewed]),
    caseOf('an intermediate renewed with its key', 'valid', [await makeLeaf(sub), pastSub, sub], [root]),
    caseOf('an unused certificate that has expired', 'valid', [await makeLeaf(root), pastSub], [root]),
    caseOf('a date in a thirteenth month', 'malformed', [wrongMonth, sub], [root]),
  ];
}

async function authorityCases(): Promise<ChainCase[]> {
  const root = await makeRoot();
  const below = async (issuer: Made, upper: Made[] = []): Promise<Made[]> => [await makeLeaf(issuer), issuer, ...upper];
  const rootOf = (extensions: CertificateExtension[]): Promise<Made> => makeRoot({ extensions });
  const subOf = (name: string, extensions: CertificateExtension[]): Promise<Made> =>
    makeSub(root, name, { extensions });
  const subCase = async (name: string, verdict: Verdict, extensions: CertificateExtension[]): Promise<ChainCase> =>
    caseOf(name, verdict, await below(await subOf('sub', extensions)), [root]);
  const noConstraints = without(AUTHORITY, 'basic-constraints');
  const ended = await subOf('ended', authorityExtensions({ pathLength: 0 }));
  const one = await subOf('one', authorityExtensions({ pathLength: 1 }));
  const belowOne = await makeSub(one, 'below one');
  const [shortRoot, oneRoot] = [
    await rootOf(constraints(AUTHORITY, true, 0)),
    await rootOf(constraints(AUTHORITY, true, 1)),
  ];
  const keyedRoot = await rootOf(noConstraints);
  const signlessRoot = await rootOf(usages(AUTHORITY, 'cRLSign'));
  const leaf = await makeLeaf(root);
  const signing = await subOf('sub', usages(AUTHORITY, 'keyCertSign', 'digitalSignature'));
  const tooDeep = await makeSub(belowOne, 'too deep');
  const selfIssued = await makeSub(ended, 'ended');
  return [
    await subCase('an intermediate without basic constraints', 'unfit-issuer', noConstraints),
    await subCase('an intermediate that is no authority', 'unfit-issuer', constraints(AUTHORITY, false)),
    await subCase('an intermediate without keyCertSign', 'no-anchor', usages(AUTHORITY, 'digitalSignature')),
    await subCase('an intermediate without key usage', 'valid', without(AUTHORITY, 'key-usage')),
    await subCase('basic constraints with a field too many', 'no-anchor', [...noConstraints, LONG_CONSTRAINTS]),
    caseOf('a leaf that issues', 'no-anchor', [await makeLeaf(leaf), leaf], [root]),
    caseOf('a root without keyCertSign', 'no-anchor', [await makeLeaf(signlessRoot)], [signlessRoot]),
    caseOf('a root without basic constraints', 'unfit-issuer', [await makeLeaf(keyedRoot)], [keyedRoot], SAYS_SO),
    caseOf('path length 0 above a leaf', 'valid', await below(ended), [root]),
    caseOf('path length 0 above an authority', 'unfit-issuer', await below(await makeSub(ended, 'x'), [ended]), [root]),
    caseOf('path length 0 above its namesake', 'unfit-issuer', await below(selfIssued, [ended]), [root], ALL_COUNT),
    caseOf('path length 1 above an authority', 'valid', await below(belowOne, [one]), [root]),
    caseOf('path length 1 above two', 'unfit-issuer', await below(tooDeep, [belowOne, one]), [root]),
    caseOf('a root of path length 0 above one', 'unfit-issuer', await below(await makeSub(shortRoot)), [shortRoot]),
    caseOf('a root of path length 1 above one', 'valid', await below(await makeSub(oneRoot)), [oneRoot]),
    caseOf('an authority as leaf', 'unfit-leaf', [ended], [root]),
    caseOf('an authority that may sign, as leaf', 'unfit-leaf', [signing], [root], 'a domus is no authority'),
    caseOf('a root as leaf', 'no-anchor', [root], [root]),
    await leafCase('a leaf with a path length', 'valid', { extensions: constraints(LEAF, false, 0) }),
  ];
}

async function purposeCases(): Promise<ChainCase[]> {
  const root = await makeRoot();
  const bound = (...oids: string[]): Over => ({
    extensions: [...AUTHORITY, { kind: 'extended-key-usage', usages: oids }],
  });
  const below = async (over: Over): Promise<Made[]> => {
    const sub = await makeSub(root, 'sub', over);
    return [await makeLeaf(sub), sub];
  };
  const clientRoot = await makeRoot(bound(KEY_PURPOSES.clientAuth));
  const bothRoot = await makeRoot(bound(...BOTH_ROLES));
  const used = (...list: KeyUsage[]): Over => ({ extensions: usages(LEAF, ...list) });
  const none = { extensions: [...without(LEAF, 'extended-key-usage'), raw(OIDS.extendedKeyUsage, '3000')] };
  return [
    await leafCase('a leaf for servers only', 'unfit-leaf', purposes(KEY_PURPOSES.serverAuth)),
    await leafCase('a leaf for clients only', 'unfit-leaf', purposes(KEY_PURPOSES.clientAuth)),
    await leafCase('a leaf that signs code', 'unfit-leaf', purposes(KEY_PURPOSES.codeSigning)),
    await leafCase('a leaf for any purpose', 'unfit-leaf', purposes(KEY_PURPOSES.any)),
    await leafCase('a leaf for gated servers', 'unfit-leaf', purposes(KEY_PURPOSES.clientAuth, OIDS.gated), NOT_GATED),
    await leafCase('a leaf for no purpose', 'unfit-leaf', none),
    caseOf('an intermediate for both roles', 'valid', await below(bound(...BOTH_ROLES)), [root]),
    caseOf('an intermediate for servers', 'unfit-issuer', await below(bound(KEY_PURPOSES.serverAuth)), [root]),
    caseOf('a root for both roles', 'valid', [await makeLeaf(bothRoot)], [bothRoot]),
    caseOf('a root for clients only', 'unfit-issuer', [await makeLeaf(clientRoot)], [clientRoot]),
    await leafCase('a leaf that may encipher keys', 'unfit-leaf', used('keyEncipherment')),
    await leafCase('a leaf that may sign certificates', 'unfit-leaf', used('keyCertSign')),
    await leafCase('a leaf that may sign contracts', 'unfit-leaf', used('nonRepudiation')),
    await leafCase('a leaf that may agree on keys', 'unfit-leaf', used('keyAgreement'), 'a domus signs'),
    await leafCase('a leaf that may do all', 'valid', used('digitalSignature', 'keyEncipherment', 'keyAgreement')),
    await leafCase('a Netscape type for servers', 'unfit-leaf', plus(LEAF, raw(OIDS.netscapeType, '03020640'))),
    await leafCase('a Netscape type for objects', 'unfit-leaf', plus(LEAF, raw(OIDS.netscapeType, '03020410'))),
  ];
}

async function extensionCases(): Promise<ChainCase[]> {
  const root = await makeRoot();
  const unknown = raw(OIDS.unknown, '0500', true);
  const policies = raw(OIDS.policies, ANY_POLICY, true);
  const below = async (extension: CertificateExtension): Promise<Made[]> => {
    const sub = await makeSub(root, 'sub', plus(AUTHORITY, extension));
    return [await makeLeaf(sub), sub];
  };
  const within = (value: string, critical = true): CertificateExtension => ({
    kind: 'name-constraints',
    critical,
    permitted: [{ kind: 'dns', value }],
  });
  const dnsName = { kind: 'subject-alternative-name', names: [{ kind: 'dns', value: 'node.example' }] } as const;
  const nameless = without(LEAF, 'subject-alternative-name');
  const elsewhere = await makeSub(root, 'sub', plus(AUTHORITY, within('elsewhere.example')));
  const strayLeaf = await makeLeaf(elsewhere, { extensions: [...nameless, dnsName] });
  const oddRoot = await makeRoot(plus(AUTHORITY, unknown));
  const narrowRoot = await makeRoot(plus(AUTHORITY, within('example')));
  const vouching = await makeRoot({ extensions: usages(AUTHORITY, 'keyCertSign', 'digitalSignature') });
  const proxy = await makeLeaf(vouching, {
    extensions: [...nameless, raw(OIDS.proxy, '300c300a06082b06010505071501')],
  });
  return [
    await leafCase('an unknown critical extension in the leaf', 'extension', plus(LEAF, unknown)),
    caseOf('an unknown critical extension in an intermediate', 'extension', await below(unknown), [root]),
    caseOf('an unknown critical extension in the root', 'extension', [await makeLeaf(oddRoot)], [oddRoot]),
    await leafCase('critical policies', 'extension', plus(LEAF, policies), 'policies are not followed'),
    caseOf('name constraints that are broken', 'extension', [strayLeaf, elsewhere], [root]),
    caseOf('name constraints that are kept', 'extension', await below(within('example')), [root], UNFOLLOWED),
    caseOf('name constraints, not critical', 'extension', await below(within('example', false)), [root], UNFOLLOWED),
    caseOf('name constraints in the root', 'extension', [await makeLeaf(narrowRoot)], [narrowRoot], UNFOLLOWED),
    caseOf('a proxy certificate', 'extension', [proxy], [vouching]),
    await leafCase('an extension twice', 'no-anchor', plus(LEAF, LEAF.find(({ kind }) => kind === 'key-usage')!)),
    await leafCase('unreadable names', 'no-anchor', { extensions: [...nameless, raw(OIDS.subjectAltName, '0500')] }),
  ];
}

async function algorithmCases(): Promise<ChainCase[]> {
  const rsaRoot = await makeRoot({ key: 'RSA-2048' });
  const shortRoot = await makeRoot({ key: 'RSA-1024' });
  const p521Root = await makeRoot({ key: 'P-521' });
  const sha1Root = await makeRoot({ key: rsaRoot.key, signatureHash: 'SHA-1' });
  const explicit = generateKeyPairSync('ec', { namedCurve: 'P-256', paramEncoding: 'explicit' }).privateKey;
  const good = async (name: string, over: Over): Promise<ChainCase> => {
    const root = await makeRoot(over);
    const sub = await makeSub(root, 'sub', over);
    return caseOf(name, 'valid', [await makeLeaf(sub, over), sub], [root]);
  };
  const rsaCase = async (name: string, verdict: Verdict, over: Over, stricter?: string): Promise<ChainCase> =>
    caseOf(name, verdict, [await makeLeaf(rsaRoot, over)], [rsaRoot], stricter);
  return [
    await good('P-384', { key: 'P-384' }),
    await good('Ed25519', { key: 'Ed25519' }),
    await good('RSA', { key: 'RSA-2048' }),
    await good('RSA with PSS', { key: 'RSA-2048', signaturePadding: 'pss' }),
    await good('P-256 with SHA-512', { signatureHash: 'SHA-512' }),
    await rsaCase('an Ed25519 leaf below RSA', 'valid', { key: 'Ed25519' }),
    await rsaCase('SHA-1', 'algorithm', { signatureHash: 'SHA-1' }, WEAK),
    await rsaCase('SHA-1 with PSS', 'algorithm', { signatureHash: 'SHA-1', signaturePadding: 'pss' }, WEAK),
    caseOf('MD5', 'algorithm', [md5Signed(await makeLeaf(rsaRoot), rsaRoot.key)], [rsaRoot], WEAK),
    caseOf('a root signed with SHA-1', 'algorithm', [await makeLeaf(sha1Root)], [sha1Root], WEAK),
    await leafCase('an RSA key of 1024 bits', 'algorithm', { key: 'RSA-1024' }, WEAK),
    caseOf('a root with an RSA key of 1024 bits', 'no-anchor', [await makeLeaf(shortRoot)], [shortRoot], WEAK),
    await leafCase('a P-521 key', 'algorithm', { key: 'P-521' }, NO_RUST),
    caseOf('a root with a P-521 key', 'no-anchor', [await makeLeaf(p521Root)], [p521Root], NO_RUST),
    await leafCase('an Ed448 key', 'algorithm', { key: 'Ed448' }, NO_RUST),
    await leafCase('a key for PSS alone', 'algorithm', { key: 'RSA-PSS-2048' }, NO_RUST),
    await leafCase('a curve that is spelt out', 'algorithm', { key: explicit }),
  ];
}

const BOTH_ROLES = [KEY_PURPOSES.clientAuth, KEY_PURPOSES.serverAuth] as const;
const ANY_POLICY = '300830060604551d2000';
const LONG_CONSTRAINTS: CertificateExtension = raw(OIDS.basicConstraints, '30090101ff020105020105');

/** Why we refuse more than OpenSSL does. */
const NO_RUST = 'a Rust peer does not take such keys';
const ANCHOR_IS_NO_LEAF = 'a domus is not its own authority';
const SAYS_SO = 'an authority says that it is one';
const ALL_COUNT = 'every authority counts, whoever issued it';
const NOT_GATED = 'gated cryptography is long gone';
const UNFOLLOWED = 'name constraints are not followed';
const WEAK = 'weak keys and digests are refused';

/** A leaf right below a root of its own. */
async function leafCase(name: string, verdict: Verdict, over: Over, stricter?: string): Promise<ChainCase> {
  const root = await makeRoot();
  return caseOf(name, verdict, [await makeLeaf(root, over)], [root], stricter);
}

function caseOf(
  name: string,
  verdict: Verdict,
  chain: readonly Pick<Made, 'certificate'>[],
  ca: readonly Pick<Made, 'certificate'>[],
  stricter?: string,
): ChainCase {
  const certificates = (list: typeof chain): X509Certificate[] => list.map(({ certificate }) => certificate);
  const made = { name, verdict, chain: certificates(chain), ca: certificates(ca) };
  return stricter === undefined ? made : { ...made, stricter };
}
