/**
 * The allow list by text: which procedures, and who may call them (a2-services, identity and authorization).
 *
 * 1. Whoever is not listed is refused: absent, empty and unlisted are one.
 * 2. The keys that match a procedure add up, except that an empty list refuses everybody whom less exact keys list.
 * 3. A caller without CN is refused, whatever is listed.
 * 4. What was given may change afterwards; the list does not.
 */
import { outOfRange } from '@flaminia/transport-a0';
import { type AllowEntry, checkedEntries, isListed } from './allow-entry.ts';
import type { Caller } from './caller.ts';
import type { PeerVerifier } from './peer-verifier.ts';

/**
 * Who may call what: keys are `service/version/procedure`, `taberna/` and a name, or the beginning of one and `*`.
 * `*` alone is everything.
 */
export type AllowRules = Readonly<Record<string, readonly AllowEntry[]>>;

interface PrefixRule {
  readonly prefix: string;
  readonly entries: readonly AllowEntry[];
}

/** Lets in who is listed for a procedure, and nobody else; made by `allowList` and `allowListOf`. Throws `invalid-config` for rules that are none. */
export class AllowListVerifier implements PeerVerifier {
  private readonly exact: ReadonlyMap<string, readonly AllowEntry[]>;
  /** The longest prefix first. */
  private readonly prefixes: readonly PrefixRule[];

  /** @param rules a key that is empty or has a `*` before its end, or a list with anything but entries, is `invalid-config`. */
  constructor(rules: AllowRules) {
    if (typeof rules !== 'object' || rules === null) throw outOfRange('rules', 'an object of lists', rules);
    const exact = new Map<string, readonly AllowEntry[]>();
    const prefixes: PrefixRule[] = [];
    for (const [key, given] of Object.entries(rules)) {
      const entries = checkedEntries(`rules[${JSON.stringify(key)}]`, given);
      const star = key.indexOf('*');
      if (key === '' || (star !== -1 && star !== key.length - 1)) {
        throw outOfRange('key of an allow list', 'a name of a procedure, with "*" at its end if at all', key);
      }
      if (star === -1) exact.set(key, entries);
      else prefixes.push({ prefix: key.slice(0, star), entries });
    }
    this.exact = exact;
    this.prefixes = prefixes.sort((one, other) => other.prefix.length - one.prefix.length);
  }

  verify(caller: Caller, procedure: string): boolean {
    const own = this.exact.get(procedure);
    if (own !== undefined) {
      if (own.length === 0) return false;
      if (lists(own, caller)) return true;
    }
    for (const { prefix, entries } of this.prefixes) {
      if (!procedure.startsWith(prefix)) continue;
      if (entries.length === 0) return false;
      if (lists(entries, caller)) return true;
    }
    return false;
  }
}

function lists(entries: readonly AllowEntry[], caller: Caller): boolean {
  for (const entry of entries) if (isListed(entry, caller)) return true;
  return false;
}
