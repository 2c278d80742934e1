/** Allow lists in typed form: the keys are the procedures of a service, so that a misspelt one does not compile. */
import { DomusError, outOfRange } from '@flaminia/transport-a0';
import type { AllowEntry } from './allow-entry.ts';
import { AllowListVerifier, type AllowRules } from './allow-list-verifier.ts';
import type { PeerVerifier } from './peer-verifier.ts';

/** What an allow list needs to know of a service definition. */
export interface GuardedService {
  readonly name: string;
  readonly version: string;
  readonly procedures: Readonly<Record<string, unknown>>;
}

/** Who may call the procedures of a service; `*` means all of them. */
export type ServiceAllowRules<S extends GuardedService> = {
  readonly [Procedure in (keyof S['procedures'] & string) | '*']?: readonly AllowEntry[];
};

/**
 * A verifier for one service. Whoever is not listed is refused, and so is every procedure without an entry; the list of a
 * procedure and that of `*` add up, but an empty list for a procedure closes it for everybody.
 *
 * @param rules a procedure that the service does not have, or a list with anything but entries, is `invalid-config`.
 */
export function allowList<S extends GuardedService>(service: S, rules: ServiceAllowRules<S>): PeerVerifier {
  const { name, version, procedures } = requireService(service);
  if (typeof rules !== 'object' || rules === null) throw outOfRange('rules', 'an object of lists', rules);
  const texts: [string, readonly AllowEntry[]][] = [];
  for (const [procedure, entries] of Object.entries<readonly AllowEntry[] | undefined>(rules)) {
    if (procedure !== '*' && (!Object.hasOwn(procedures, procedure) || procedure.includes('*'))) {
      const text = `service ${name}/${version} has no procedure ${JSON.stringify(procedure)}`;
      throw new DomusError('invalid-config', text, { endpoint: `${name}/${version}`, detail: procedure });
    }
    // Undefined is what `condition ? list : undefined` leaves behind: no entry, and so refused.
    if (entries !== undefined) texts.push([`${name}/${version}/${procedure}`, entries]);
  }
  return new AllowListVerifier(Object.fromEntries(texts));
}

/**
 * A verifier by text, for tabernae (inboxes) and for several services at once: keys as `identity/v1/validateSession`,
 * `taberna/orders`, `taberna/*`. A key with `*` anywhere but at its end is `invalid-config`.
 */
export function allowListOf(rules: AllowRules): PeerVerifier {
  return new AllowListVerifier(rules);
}

function requireService(given: GuardedService): GuardedService {
  const { name, version, procedures } = (given ?? {}) as Partial<GuardedService>;
  const isNamed = typeof name === 'string' && name !== '' && typeof version === 'string' && version !== '';
  if (isNamed && typeof procedures === 'object' && procedures !== null) return given;
  throw outOfRange('service', 'a definition made by service(...)', given);
}
