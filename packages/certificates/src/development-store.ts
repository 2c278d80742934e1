/**
 * The development store: one certificate authority per user, and the leaves that it issued, in a folder.
 *
 * ```
 * development/                     0700
 *   authority/                     published whole: the first process to do so wins
 *     certificate.pem  key.pem     0600
 *   leaves/
 *     <node id>-<hash>.pem         0600, certificate and key in one file, so that they always belong together
 * ```
 *
 * 1. Processes that start on one empty folder end with one authority (private-files.ts, invariant 2). No lock exists.
 * 2. The hash covers all that a leaf says and who issued it: a file is never read for another node, type, address or
 *    authority than it was written for.
 * 3. The key of the authority is read only to issue. A domus (node) with a valid leaf starts without it, and without
 *    loading the certificate library.
 * 4. A leaf is used again while more than a third of its life is left; so any process has a month at the least.
 * 5. A damaged leaf is replaced. A damaged authority is not: its leaves may be in use, so the user decides.
 */
import { createHash, createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import { join } from 'node:path';
import { type DomusAddr, DomusError } from '@flaminia/transport-a0';
import { createAuthority, openAuthority } from './authority.ts';
import { exportPkcs8 } from './key.ts';
import { issueLeaf, type PemMaterial } from './leaf.ts';
import {
  openPrivateFolder,
  publishPrivateFolder,
  readPrivateFile,
  replacePrivateFile,
  sweepFolder,
} from './private-files.ts';

/** Whose leaf, and when. */
export interface DevelopmentLeaf {
  readonly address: DomusAddr;
  readonly nodeId: string;
  readonly nodeType: string;
  /** Epoch milliseconds. */
  readonly now: number;
}

const LEAF_TTL_MS = 90 * 86_400_000;
const AUTHORITY_NAME = 'Flaminia development authority';

/** The material for a leaf from the store in `folder`, which is made if it is not there. */
export async function developmentMaterial(folder: string, wanted: DevelopmentLeaf): Promise<PemMaterial> {
  const leaves = join(folder, 'leaves');
  await openPrivateFolder(folder);
  await openPrivateFolder(leaves);
  const authority = await readOrCreateAuthority(folder, wanted.now);
  const path = join(leaves, leafFileName(authority, wanted));
  const stored = await readPrivateFile(path);
  if (stored !== undefined && isUsable(stored, authority, wanted.now)) return materialOf(stored, authority);

  const issued = await issueFromStore(folder, authority, wanted);
  const text = `${issued.cert}${issued.key}`;
  await sweepFolder(leaves, LEAF_TTL_MS, wanted.now);
  await replacePrivateFile(path, text);
  return materialOf(text, authority);
}

async function readOrCreateAuthority(folder: string, now: number): Promise<X509Certificate> {
  const published = join(folder, 'authority');
  const path = join(published, 'certificate.pem');
  let text = await readPrivateFile(path);
  if (text === undefined) {
    const made = await createAuthority({ name: AUTHORITY_NAME, pathLength: 0 });
    await sweepFolder(folder, Number.POSITIVE_INFINITY, now);
    await publishPrivateFolder(published, {
      'certificate.pem': made.certificates[0],
      'key.pem': exportPkcs8(made.key),
    });
    text = await readPrivateFile(path);
  }
  const certificate = parse(text, (pem) => new X509Certificate(pem));
  if (certificate === undefined) throw unusable(folder, 'the certificate of its authority is missing or damaged');
  const { validFrom, validTo } = certificate;
  if (Date.parse(validFrom) > now || Date.parse(validTo) <= now) {
    throw unusable(
      folder,
      `its authority is valid from ${validFrom} to ${validTo}, and now is ${new Date(now).toUTCString()}`,
    );
  }
  return certificate;
}

async function issueFromStore(
  folder: string,
  certificate: X509Certificate,
  wanted: DevelopmentLeaf,
): Promise<PemMaterial> {
  const key = parse(await readPrivateFile(join(folder, 'authority', 'key.pem')), createPrivateKey);
  if (key === undefined) {
    throw unusable(folder, `${wanted.nodeId} needs a new leaf, and the key of its authority is missing or damaged`);
  }
  if (!certificate.checkPrivateKey(key)) throw unusable(folder, 'key and certificate of its authority do not match');
  return issueLeaf(openAuthority({ certificates: [certificate.toString()], key }, 'authority'), {
    ...wanted,
    ttlMs: LEAF_TTL_MS,
    extraSans: [],
    algorithm: 'P-256',
    pkcs8: 1,
  });
}

/** Readable for who looks into the folder, and unique by its hash. */
function leafFileName(authority: X509Certificate, { nodeId, nodeType, address }: DevelopmentLeaf): string {
  const said = JSON.stringify([authority.fingerprint256, nodeId, nodeType, address]);
  const hash = createHash('sha256').update(said).digest('hex').slice(0, 32);
  return `${nodeId.replace(/[^A-Za-z0-9_.-]/g, '_')}-${hash}.pem`;
}

/** Invariant 4. The hash in the file's name vouches for what the leaf says. */
function isUsable(text: string, authority: X509Certificate, now: number): boolean {
  const leaf = parse(text, (pem) => new X509Certificate(pem));
  const key: KeyObject | undefined = parse(text, createPrivateKey);
  if (leaf === undefined || key === undefined || !leaf.checkPrivateKey(key)) return false;
  if (!leaf.checkIssued(authority) || !leaf.verify(authority.publicKey)) return false;
  const [begin, end] = [Date.parse(leaf.validFrom), Date.parse(leaf.validTo)];
  return begin <= now && end - now > (end - begin) / 3;
}

function materialOf(text: string, authority: X509Certificate): PemMaterial {
  const keyBegins = text.indexOf('-----BEGIN PRIVATE KEY-----');
  return { ca: authority.toString(), cert: text.slice(0, keyBegins), key: text.slice(keyBegins) };
}

function parse<T>(text: string | undefined, parser: (pem: string) => T): T | undefined {
  if (text === undefined) return undefined;
  try {
    return parser(text);
  } catch {
    return undefined;
  }
}

function unusable(folder: string, reason: string): DomusError {
  return new DomusError(
    'invalid-config',
    `the development certificates in ${folder} cannot be used: ${reason}; stop the programs that use them and delete the folder`,
    { detail: 'directory' },
  );
}
