/** Where a domus (node) takes its certificates and key from. Only reading: what was read is judged by A0. */
import { readFile } from 'node:fs/promises';
import {
  type DomusAddr,
  DomusError,
  type OptionNames,
  optionsOf,
  outOfRange,
  type Pkcs8AuthConfig,
} from '@flaminia/transport-a0';
import { FileWatch } from './file-watch.ts';

/** The `auth` of `Domus.open` and `reloadAuth`: the material itself, or a function that gives it. */
export type AuthSource = Pkcs8AuthConfig | AuthFunction;

/**
 * Gives certificates and key for an address. Asked once the address is known, again by `reloadAuth`, and whenever its own
 * `watch` tells of new ones.
 */
export interface AuthFunction {
  (address: DomusAddr): Pkcs8AuthConfig | Promise<Pkcs8AuthConfig>;
  /** Tells when the source may have something new. */
  readonly watch?: AuthWatch;
}

/**
 * Calls `changed` whenever the source may have something new, from a turn of its own; once too often does no harm.
 * Returns what ends that. A domus calls it when it takes the source, and ends it at its shutdown, or when another source
 * takes the place of this one.
 */
export type AuthWatch = (changed: () => void) => () => void;

/** Paths of files in PEM or DER form. */
export interface AuthFiles {
  /** The certificate authorities: one file, or several. */
  readonly ca: string | readonly string[];
  /** The own certificate chain, leaf first: one file, or several. */
  readonly cert: string | readonly string[];
  /** The private key, PKCS#8. */
  readonly key: string;
  /** Whether the domus rotates by itself when the files change (docs/rotate-certificates.md). Default false. */
  readonly watch?: boolean;
}

/** An {@link AuthFunction} that reads files, whatever the address. */
export interface FileAuth {
  (): Promise<Pkcs8AuthConfig>;
  /** There where the files are watched. */
  readonly watch?: AuthWatch;
}

/** Where {@link authFromEnv} looks. */
export interface AuthEnvironment {
  /** The variables; `process.env` by default, read when the source is asked. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** What their names begin with; `FLAMINIA` by default. */
  readonly prefix?: string;
}

const FILE_NAMES: OptionNames<AuthFiles> = { ca: true, cert: true, key: true, watch: true };
const ENVIRONMENT_NAMES: OptionNames<AuthEnvironment> = { env: true, prefix: true };

/**
 * Takes certificates and key from files, which are read each time the source is asked. A file that cannot be read is
 * `invalid-config`, naming it and the system's reason. With `watch` the domus takes new files by itself once they have come
 * to rest; as long as they do not fit together it keeps what it has, and reports `auth-reload-failed`.
 */
export function authFromFiles(files: AuthFiles): FileAuth {
  const ca = pathsOf('ca', optionsOf('authFromFiles', files, FILE_NAMES).ca);
  const cert = pathsOf('cert', files.cert);
  const key = pathsOf('key', [files.key]);
  const { watch = false } = files;
  if (typeof watch !== 'boolean') throw outOfRange('watch', 'true or false', watch);
  const read = async (): Promise<Pkcs8AuthConfig> => {
    const [cas, certs, keys] = await Promise.all([ca, cert, key].map((paths) => Promise.all(paths.map(readPart))));
    return { ca: cas!, cert: certs!, key: keys![0]! };
  };
  return watch ? Object.assign(read, { watch: watchOf([...ca, ...cert, ...key]) }) : read;
}

/**
 * Takes certificates and key from environment variables: `FLAMINIA_CA`, `FLAMINIA_CERT` and `FLAMINIA_KEY` hold PEM text
 * (`\n` may stand for line ends), or `FLAMINIA_CA_FILE`, `FLAMINIA_CERT_FILE` and `FLAMINIA_KEY_FILE` the paths of files.
 * A variable that is missing, or there in both forms, is `invalid-config`, naming it. Read each time the source is asked.
 */
export function authFromEnv(options: AuthEnvironment = {}): () => Promise<Pkcs8AuthConfig> {
  const { env = process.env, prefix = 'FLAMINIA' } = optionsOf('authFromEnv', options, ENVIRONMENT_NAMES);
  if (typeof env !== 'object' || env === null) throw outOfRange('env', 'an object of variables', env);
  if (typeof prefix !== 'string' || prefix === '') throw outOfRange('prefix', 'a text with content', prefix);
  return async () => {
    const [ca, cert, key] = await Promise.all(['CA', 'CERT', 'KEY'].map((part) => variable(env, `${prefix}_${part}`)));
    return { ca: ca!, cert: cert!, key: key! };
  };
}

async function variable(env: NonNullable<AuthEnvironment['env']>, name: string): Promise<string | Uint8Array> {
  const text = env[name] || undefined;
  const path = env[`${name}_FILE`] || undefined;
  if (text !== undefined && path !== undefined) throw invalid(`only one of ${name} and ${name}_FILE may be set`, name);
  if (path !== undefined && !isPath(path)) throw invalid(`${name}_FILE must hold the path of a file`, name);
  if (path !== undefined) return readPart(path);
  if (text === undefined) throw invalid(`${name} or ${name}_FILE must be set`, name);
  if (!text.includes('-----BEGIN ')) throw invalid(`${name} must hold PEM text; a path belongs in ${name}_FILE`, name);
  return text.replaceAll('\\n', '\n');
}

function watchOf(paths: readonly string[]): AuthWatch {
  return (changed) => {
    const watch = new FileWatch(paths, changed);
    return () => watch.stop();
  };
}

function pathsOf(part: string, paths: string | readonly string[]): readonly string[] {
  const list = typeof paths === 'string' ? [paths] : paths;
  const isFull = Array.isArray(list) && list.length > 0;
  if (isFull && list.every(isPath)) return [...list];
  throw invalid(`${part} must be the path of a file, or paths`, part);
}

/** False for what is a certificate or key by mistake, which must not appear in an error as the path of a missing file. */
function isPath(path: unknown): boolean {
  return typeof path === 'string' && path !== '' && !path.includes('\n') && !path.includes('-----BEGIN ');
}

async function readPart(path: string): Promise<Uint8Array> {
  try {
    return await readFile(path);
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code ?? 'unreadable';
    throw new DomusError('invalid-config', `cannot read ${path}: ${code}`, { detail: code, cause });
  }
}

function invalid(text: string, detail: string): DomusError {
  return new DomusError('invalid-config', text, { detail });
}
