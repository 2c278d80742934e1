/** What scripts expect of the ids that the implementation gives to its messages. */
import type { Step } from './conformance-case.ts';
import type { Stage } from './stage.ts';

/** The id of the second message is the one behind the id of the first. */
export function expectNextId(first: string, second: string): Step {
  return {
    text: `expect that the id of "${second}" follows that of "${first}"`,
    run: async (stage) => {
      const [a, b] = [idOf(stage, first), idOf(stage, second)];
      if (b !== (a + 1) % 2 ** 32) throw new Error(`ids ${a} and ${b}`);
    },
  };
}

/** The id has bit 31 set, as that of a counter that began at random. */
export function expectRandomId(text: string): Step {
  return {
    text: `expect that the id of "${text}" has bit 31 set`,
    run: async (stage) => {
      const id = idOf(stage, text);
      if (id < 0x8000_0000) throw new Error(`id ${id}`);
    },
  };
}

function idOf(stage: Stage, text: string): number {
  const id = stage.messageIds.get(text);
  if (id === undefined) throw new Error(`the script has seen no message "${text}" yet`);
  return id;
}
