/** Answers that wait for a primary or are on their way, as the oracle judges them (rules 2, 4 and 8). */
import { type Callis, carriesAnswer, type PeerSession } from '@flaminia/delivery-a1/internal';
import { cargoOf } from './cargo.ts';
import type { End } from './connection.ts';
import type { Coverage } from './coverage.ts';
import type { Entry } from './entry.ts';
import { RuleBroken } from './rule-broken.ts';
import type { SessionModel } from './session-model.ts';

const VIOLATION = 7;
/** No lane of answers is smaller. */
const LEAST_ANSWERS = 4096;

/** Does an answer wait that this primary is to carry? */
export function hasAnswerFor(session: PeerSession, callis: Callis): boolean {
  const { acks, errors } = session.answers;
  return waitsFor(session, callis, acks) || waitsFor(session, callis, errors);
}

/** The same of one lane. */
export function waitsFor(session: PeerSession, callis: Callis, lane: PeerSession['answers']['acks']): boolean {
  for (let place = 0; place < lane.size; place++) if (carriesAnswer(session, callis, lane.idAt(place))) return true;
  return false;
}

/** What was answered before is answered again. One that is too large is answered by its own callis. */
export function checkRepeated({ answers }: PeerSession, { id, number }: Entry): void {
  const { inbox, acks, errors } = answers;
  if (inbox.stateOf(id) !== 'answered' || inbox.isWaiting(id) || inbox.answerOf(id) === VIOLATION) return;
  if (acks.size < LEAST_ANSWERS && errors.size < LEAST_ANSWERS)
    throw new RuleBroken(2, `send ${number} has come again and gets no answer`);
}

/** Replies on their way to an end that is lost: what they answer may have been written elsewhere. */
export function noteUnheard(model: SessionModel, end: End, coverage: Coverage): void {
  const cargo = cargoOf(end.inward);
  if (cargo === undefined) return;
  for (let at = cargo.first; at < cargo.freights.length; at++) {
    const { kind, entry, write } = cargo.freights[at]!;
    if (kind !== 'reply' || entry === undefined) continue;
    if (entry.state !== 'pending' || entry.carrier === end || model.written.get(entry.id) !== entry) continue;
    coverage.saw('answer lost on another connection');
    model.unheard.push({ entry, write });
  }
}
