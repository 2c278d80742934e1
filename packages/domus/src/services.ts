/**
 * The door of the services layer: `@flaminia/domus/services`. Services, their clients, who is in the imperium (fabric), how to
 * find each other, health and authorization (a2-services).
 */

import {
  Imperium as JoinedImperium,
  type JoinOptions,
  type LeaveOptions,
  type LeaveReport,
} from '@flaminia/services-a2';
import { JOIN_OPTIONS } from '@flaminia/services-a2/internal';
import { type OptionNames, optionsOf, outOfRange } from '@flaminia/transport-a0';
import { Domus } from './domus.ts';
import { DOMUS_OPTIONS, type DomusOptions } from './options.ts';
import { unlessAborted } from './unless-aborted.ts';

export * from '@flaminia/services-a2';

/** What `Domus.shutdown` takes. */
const LONGEST_SHUTDOWN_MS = 300_000;

/** Options of {@link Imperium.open}: those of `Domus.open`, and of joining. */
export interface ImperiumOptions extends DomusOptions, JoinOptions {}

const IMPERIUM_OPTIONS: OptionNames<ImperiumOptions> = { ...DOMUS_OPTIONS, ...JOIN_OPTIONS };

/** A node in its imperium (fabric): offers services, and calls those of others by name. */
export class Imperium extends JoinedImperium {
  /** The domus (node) below: for messages and streams of bytes. */
  readonly domus: Domus;
  private readonly ownsDomus: boolean;

  private constructor(domus: Domus, options: JoinOptions, ownsDomus: boolean) {
    super(domus.imperiumHost(), options);
    this.domus = domus;
    this.ownsDomus = ownsDomus;
  }

  /**
   * Opens a domus and joins the imperium with it; `leave` shuts it down. Rejects as `Domus.open` does. Resolves though no seed
   * is reachable, and keeps trying.
   */
  static async open(options: ImperiumOptions): Promise<Imperium> {
    const given = optionsOf('Imperium.open', options, IMPERIUM_OPTIONS);
    const domus = await Domus.open(partOf(given, DOMUS_OPTIONS));
    try {
      return await Imperium.joined(domus, partOf(given, JOIN_OPTIONS), true);
    } catch (error) {
      await domus.shutdown({ drainTimeout: 0 });
      throw error;
    }
  }

  /** Joins the imperium with a domus that is open; it stays open when this leaves. One join at a time for each domus. */
  static async join(domus: Domus, options: JoinOptions = {}): Promise<Imperium> {
    if (typeof domus?.imperiumHost !== 'function') throw outOfRange('domus', 'one that Domus.open has opened', domus);
    return Imperium.joined(domus, options, false);
  }

  private static async joined(domus: Domus, options: JoinOptions, ownsDomus: boolean): Promise<Imperium> {
    const imperium = new Imperium(domus, options, ownsDomus);
    const { signal } = options;
    try {
      const begun = imperium.begin(options);
      await (signal === undefined ? begun : unlessAborted(begun, signal));
    } catch (error) {
      await JoinedImperium.prototype.leave.call(imperium, { drainTimeout: 0 });
      throw error;
    }
    return imperium;
  }

  override async leave(options?: LeaveOptions): Promise<LeaveReport> {
    const began = performance.now();
    const report = await super.leave(options);
    if (!this.ownsDomus) return report;
    const { drainTimeout, signal } = options ?? {};
    // Of a limit that was given, the domus has what is left.
    const left = drainTimeout === undefined ? undefined : Math.max(0, drainTimeout - (performance.now() - began));
    await this.domus.shutdown({
      ...(left !== undefined && { drainTimeout: Math.min(left, LONGEST_SHUTDOWN_MS) }),
      ...(signal !== undefined && { signal }),
    });
    return report;
  }
}

/** The options with these names. */
function partOf<T extends object>(options: T, names: OptionNames<T>): T {
  const part: Partial<T> = {};
  for (const name in names) if (options[name] !== undefined) part[name] = options[name];
  return part as T;
}
