/** The tabernae (inboxes) of one domus, found by their u64 id. Owns nothing but the map. */
import { DomusError } from '@flaminia/transport-a0';
import { tabernaText } from '../wire/frame.ts';
import { Taberna } from './taberna.ts';

export class Registry {
  /** By the low half; ids that share it stand in one list. */
  private readonly byLow = new Map<number, Taberna[]>();
  private last: Taberna | undefined = undefined;
  private list: readonly Taberna[] | undefined = undefined;
  /** Rises with every change, so that what was found may be kept until then. */
  version = 0;

  /** Registers an inbox. A second one of the same id: `taberna-already-registered`. */
  add(hi: number, lo: number, owner: unknown): Taberna {
    if (this.find(hi, lo) !== undefined) {
      throw new DomusError(
        'taberna-already-registered',
        `taberna (inbox) ${tabernaText(hi, lo)} is registered already`,
      );
    }
    const taberna = new Taberna(hi, lo, owner);
    this.version++;
    this.list = undefined;
    const sameLow = this.byLow.get(lo);
    if (sameLow === undefined) this.byLow.set(lo, [taberna]);
    else sameLow.push(taberna);
    return taberna;
  }

  find(hi: number, lo: number): Taberna | undefined {
    const { last } = this;
    if (last !== undefined && last.lo === lo && last.hi === hi) return last;
    const found = this.byLow.get(lo)?.find((taberna) => taberna.hi === hi);
    if (found !== undefined) this.last = found;
    return found;
  }

  delete(taberna: Taberna): void {
    this.version++;
    this.list = undefined;
    const rest = (this.byLow.get(taberna.lo) ?? []).filter((other) => other !== taberna);
    if (rest.length === 0) this.byLow.delete(taberna.lo);
    else this.byLow.set(taberna.lo, rest);
    if (this.last === taberna) this.last = undefined;
  }

  /** As they are now, in a list that never changes: it is made anew after a change, since the machine walks it often. */
  get all(): readonly Taberna[] {
    this.list ??= [...this.byLow.values()].flat();
    return this.list;
  }
}
