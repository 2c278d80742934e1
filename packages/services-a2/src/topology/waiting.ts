/** Promises of questions that may be given up: by their signal, or with the topology. */
import { watchedSignals } from '../signal-watch.ts';

/** A question that waits. */
export interface Question {
  fail(error: unknown): void;
}

/** Runs `begin`, and waits for one of its two ends, for the signal, or for whoever fails all that stands in `open`. */
export function waitFor<Answer>(
  open: Set<Question>,
  signal: AbortSignal | undefined,
  begin: (answer: (value: Answer) => void, fail: (error: unknown) => void) => void,
): Promise<Answer> {
  return new Promise<Answer>((resolve, reject) => {
    const question: Question = {
      fail: (error) => {
        end();
        reject(error);
      },
    };
    const abortable = { aborted: (reason: unknown) => question.fail(reason) };
    const end = (): void => {
      open.delete(question);
      if (signal !== undefined) watchedSignals.delete(signal, abortable);
    };
    if (signal?.aborted === true) {
      reject(signal.reason);
      return;
    }
    open.add(question);
    if (signal !== undefined) watchedSignals.add(signal, abortable);
    begin(
      (value) => {
        end();
        resolve(value);
      },
      (error) => question.fail(error),
    );
  });
}
