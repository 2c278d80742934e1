/** `devAuth`: certificates for programs under development on one machine, without any set-up. */
import { BlockList } from 'node:net';
import { homedir } from 'node:os';
import { isAbsolute, join, resolve } from 'node:path';
import {
  type DomusAddr,
  DomusError,
  type OptionNames,
  optionsOf,
  outOfRange,
  type ParsedAddress,
} from '@flaminia/transport-a0';
import { developmentMaterial } from './development-store.ts';
import type { PemMaterial } from './leaf.ts';
import { checkLeafAddress, checkName, checkNodeId } from './limits.ts';
import { codeOf } from './node-errors.ts';

/** Options of {@link devAuth}. */
export interface DevAuthOptions {
  /** Common name of the leaf, by which peers know this domus (node): 1 to 64 characters, no slashes. */
  readonly nodeId: string;
  /** Organisational unit of the leaf: 1 to 64 characters. Default `dev`. */
  readonly nodeType?: string;
  /**
   * Where the store `development` is kept. Domus that are to know each other use the same one. Default: `flaminia` in
   * XDG_STATE_HOME, or in `~/.local/state`.
   */
  readonly directory?: string;
}

const NAMES: OptionNames<DevAuthOptions> = { nodeId: true, nodeType: true, directory: true };

const LOOPBACK = new BlockList();
LOOPBACK.addSubnet('127.0.0.0', 8, 'ipv4');
LOOPBACK.addAddress('::1', 'ipv6');

/**
 * Gives a function that finds, or issues, a leaf for an address, to be passed to `Domus.open` as `auth` (domus-api).
 * All domus (nodes) of one user trust one authority, made by the first of them and kept with the leaves in the user's
 * state directory, closed to other users. A leaf lives 90 days and is replaced by the start that finds less than a third left.
 *
 * For development only: throws `invalid-config` under `NODE_ENV=production` and for an option out of its range; the
 * function, for an address that is neither on the loopback nor a Unix-socket path, and for a store that is damaged,
 * belongs to somebody else, or was open to others.
 */
export function devAuth(options: DevAuthOptions): (address: DomusAddr) => Promise<PemMaterial> {
  const { nodeId, nodeType = 'dev', directory = stateDirectory() } = optionsOf('devAuth', options, NAMES);
  if (process.env.NODE_ENV === 'production') {
    throw new DomusError('invalid-config', 'devAuth makes certificates for development, and NODE_ENV is "production"', {
      detail: 'NODE_ENV',
    });
  }
  checkNodeId(nodeId);
  checkName('nodeType', nodeType);
  if (typeof directory !== 'string' || directory === '')
    throw outOfRange('directory', 'the path of a folder', directory);
  const folder = join(resolve(directory), 'development');
  return async (address) => {
    const parsed = checkLeafAddress(address);
    if (!isLocal(parsed)) {
      throw new DomusError('invalid-config', `devAuth serves loopback ips and Unix-socket paths, got ${parsed.text}`, {
        detail: 'address',
      });
    }
    try {
      return await developmentMaterial(folder, { address: parsed.text, nodeId, nodeType, now: Date.now() });
    } catch (error) {
      const code = codeOf(error);
      if (code === undefined) throw error;
      const reason = `the development certificates in ${folder} cannot be read or written: ${code}`;
      throw new DomusError('invalid-config', reason, { detail: 'directory', cause: error });
    }
  };
}

function isLocal(address: ParsedAddress): boolean {
  return address.kind === 'unix' || LOOPBACK.check(address.ip, address.family === 4 ? 'ipv4' : 'ipv6');
}

/** The XDG base directory specification ignores a relative path. */
function stateDirectory(): string {
  const given = process.env.XDG_STATE_HOME;
  const base = given !== undefined && isAbsolute(given) ? given : join(homedir(), '.local', 'state');
  return join(base, 'flaminia');
}
