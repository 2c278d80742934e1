/** A service with a procedure of every kind, whose handlers tell what they went through. */
import { z } from 'zod';
import type { CallContext, Handlers } from '../../src/procedures/call-types.ts';
import {
  bidiStream,
  clientStream,
  oneWay,
  type Service,
  serverStream,
  service,
  unary,
} from '../../src/procedures/service.ts';

const procedures = {
  add: unary({ input: z.object({ a: z.number(), b: z.number() }), output: z.number() }),
  note: oneWay({ input: z.string() }),
  count: serverStream({ input: z.number(), output: z.number() }),
  sum: clientStream({ input: z.number(), output: z.number() }),
  echo: bidiStream({ input: z.string(), output: z.string() }),
  /** Answers when its signal ends. */
  wait: unary<null, string>(),
};

export const Sums: Service<typeof procedures> = service('sums', 'v1', procedures);

export interface SumsLog {
  /** Names of the handlers that ran, in order. */
  readonly ran: string[];
  /** Reasons of the signals that ended. */
  readonly aborted: unknown[];
}

/** Handlers of {@link Sums}, and what they log. */
export function sums(): { readonly handlers: Handlers<typeof Sums>; readonly log: SumsLog } {
  const log: SumsLog = { ran: [], aborted: [] };
  const handlers: Handlers<typeof Sums> = {
    add: ({ a, b }) => {
      log.ran.push('add');
      return a + b;
    },
    note: (text) => void log.ran.push(`note ${text}`),
    count: async function* (to) {
      log.ran.push('count');
      for (let i = 0; i < to; i++) yield i;
    },
    sum: async (inputs) => {
      log.ran.push('sum');
      let sum = 0;
      for await (const each of inputs) sum += each;
      return sum;
    },
    echo: async function* (inputs) {
      log.ran.push('echo');
      for await (const each of inputs) yield each.toUpperCase();
    },
    wait: (_input, context) => {
      log.ran.push('wait');
      return new Promise((resolve) => {
        whenAborted(context, (reason) => {
          log.aborted.push(reason);
          resolve('late');
        });
      });
    },
  };
  return { handlers, log };
}

/** Calls back when the signal of a call ends. */
export function whenAborted({ signal }: CallContext, then: (reason: unknown) => void): void {
  signal.addEventListener('abort', () => then(signal.reason), { once: true });
}
