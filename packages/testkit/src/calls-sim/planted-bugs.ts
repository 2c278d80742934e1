/** Bugs planted in calls, each with the first seed that found it: they prove the oracle. Some of them the product once had. */
import type { Mutant } from '../mutants/mutant.ts';

export interface PlantedBug extends Mutant {
  readonly seed: number;
}

const PROCEDURES = 'packages/services-a2/src/procedures/';

function bug(seed: number, file: string, why: string, find: string, replace: string): PlantedBug {
  return { name: `calls-${why.replace(/[^a-z]+/gi, '-')}`, file: `${PROCEDURES}${file}`, find, replace, why, seed };
}

export const PLANTED_BUGS: readonly PlantedBug[] = [
  bug(2, 'core/flow.ts', 'credit is given twice', 'this.owed = 0;\n    this.left', 'this.left'),
  bug(79, 'core/flow.ts', 'a sender counts one byte too little', 'this.credit -= bytes;', 'this.credit -= bytes - 1;'),
  bug(
    4,
    'core/flow.ts',
    'credit for what was read is never due',
    'if (this.owed * 2 < this.window) return 0;',
    'return 0;',
  ),
  bug(
    8,
    'unary-call.ts',
    'what is not idempotent is tried again',
    'return this.procedure.definition.idempotent && this.tries',
    'return this.tries',
  ),
  bug(
    44,
    'unary-call.ts',
    'a call that was aborted is not cancelled',
    'override aborted(reason: unknown): void {\n    for (const attempt of this.open) this.parts.calls.cancel(attempt);',
    'override aborted(reason: unknown): void {',
  ),
  bug(
    105,
    'unary-call.ts',
    'a call in its pause is kept for ever',
    'this.parts.calls.unwatch(this.pause);\n      this.parts.calls.resting.delete(this);',
    'this.parts.calls.unwatch(this.pause);',
  ),
  bug(2, 'unary-call.ts', 'a provider is busy for ever', 'attempt.load?.end(outcome, calls.port.now());', ''),
  bug(
    1722,
    'unary-call.ts',
    'a hedge is made beyond the last try',
    'this.open.length !== 1 || !this.mayTryAgain)',
    'this.open.length !== 1)',
  ),
  bug(
    57,
    'unary-call.ts',
    'what becomes of a try that was cancelled ends its call',
    "kind === 'one-way' && !this.isClosed)",
    "kind === 'one-way')",
  ),
  bug(
    3,
    'stream-call.ts',
    'a stream that was given up is not cancelled',
    'if (this.load !== undefined) this.parts.calls.cancel(this);\n    this.finish(error);',
    'this.finish(error);',
  ),
  bug(1, 'pending-call.ts', 'calls under way are counted up alone', 'if (this.isCounted) calls.underWay--;', ''),
  bug(
    185,
    'items-out.ts',
    'an end stands behind items that were refused',
    'if (this.isOver) return;\n    writer',
    'writer',
  ),
  bug(
    2,
    'items-out.ts',
    'what was gathered last is not sent',
    'private end(): void {\n    if (this.batch.length > 0) this.flush();',
    'private end(): void {',
  ),
  bug(
    2,
    'items-in.ts',
    'a batch is given out from its second item',
    'bytes, at: 0 });',
    'bytes, at: items.length > 2 ? 1 : 0 });',
  ),
  bug(
    122,
    'provided-service.ts',
    'handlers of a caller that is lost run on',
    "else call.cancel(new ProcedureError('cancelled', 'the caller was lost'));",
    '',
  ),
  bug(2, 'provided-service.ts', 'the deadline of a handler is not watched', '    this.options.watch(call);\n', ''),
  bug(
    3,
    'provided-service.ts',
    'a call that waited is counted for ever',
    'if (this.waiting.delete(call)) this.waitsNoMore(call);',
    'this.waiting.delete(call);',
  ),
  bug(
    3,
    'served-call.ts',
    'an answer follows a cancel',
    'answer(value: unknown): void {\n    if (this.isOver) return;',
    'answer(value: unknown): void {',
  ),
  bug(3702, 'served-call.ts', 'credit follows the end of the outputs', '    if (type === END) this.close();\n', ''),
  bug(
    1102,
    'send-waiters.ts',
    'a cancel that found no room is not sent again',
    'if (isCrowdedOut(failure)) this.sendLater();\n    else',
    '',
  ),
  bug(
    79,
    'calls.ts',
    'calls outlive the session',
    "else if (event.kind !== 'up') {",
    "else if (event.kind === 'dial-failed') {",
  ),
];
