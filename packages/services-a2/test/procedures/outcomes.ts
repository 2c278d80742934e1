/** How calls of a test end. */
import type { ProcedureError } from '../../src/procedures/procedure-error.ts';

/** The code with which a call has failed; undefined while it has not. */
export function codeOf(call: Promise<unknown>): () => string | undefined {
  let code: string | undefined;
  call.then(
    () => {
      code = 'answered';
    },
    (error: ProcedureError) => {
      code = error.code;
    },
  );
  return () => code;
}

export async function toTheEnd(items: AsyncIterable<unknown>): Promise<void> {
  for await (const _each of items);
}
