/** What the handlers of one subject have seen, by taberna. */
import { A3_MESSAGE } from './frames.ts';
import type { SeenMessage } from './implementation.ts';
import { withPatience } from './patience.ts';

interface Waiter {
  readonly taberna: bigint;
  readonly text: string;
  resolve(): void;
}

export class SeenMessages {
  readonly #texts = new Map<bigint, string[]>();
  readonly #waiting = new Set<Waiter>();

  note(taberna: bigint, { type, payload }: SeenMessage): void {
    const plain = Buffer.from(payload).toString();
    const text = type === A3_MESSAGE ? plain : `${plain} (type 0x${type.toString(16)})`;
    this.#texts.set(taberna, [...this.of(taberna), text]);
    for (const waiter of this.#waiting) if (waiter.taberna === taberna && waiter.text === text) waiter.resolve();
  }

  /** The texts of its messages, in order; with their type where it is not 0x0100_0000. */
  of(taberna: bigint): readonly string[] {
    return this.#texts.get(taberna) ?? [];
  }

  /** Resolves when a handler of the taberna has seen the text. */
  async until(taberna: bigint, text: string): Promise<void> {
    if (this.of(taberna).includes(text)) return;
    let waiter: Waiter | undefined;
    const seen = new Promise<void>((resolve) => {
      waiter = { taberna, text, resolve };
      this.#waiting.add(waiter);
    });
    try {
      await withPatience(seen, `a handler to see "${text}"`);
    } finally {
      if (waiter !== undefined) this.#waiting.delete(waiter);
    }
  }
}
