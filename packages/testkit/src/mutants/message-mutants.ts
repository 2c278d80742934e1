/** Bugs in how messages are kept, ordered, answered and settled. */
import { inCore, inWire, type Mutant } from './mutant.ts';

export const MESSAGE_MUTANTS: readonly Mutant[] = [
  inCore(
    'ack-at-arrival',
    'receiving.ts',
    'a message is acked before a handler has accepted it',
    'session.answers.inbox.begin(id);',
    "session.answers.inbox.begin(id); session.respond(id, 0, '', now);",
  ),
  inCore(
    'rejection-as-ack',
    'peer-session.ts',
    'a rejection is sent as an ack',
    'const taken = this.answers.decide(id, errorId, text, now);',
    'const taken = this.answers.decide(id, 0, text, now);',
  ),
  inCore(
    'dedupe-kept-at-restart',
    'answers.ts',
    'what was received from a peer is remembered after that has restarted',
    'this.inbox.clear();',
    '',
  ),
  inCore(
    'answered-forgotten',
    'inbox.ts',
    'answered ids are forgotten',
    "return value === UNDECIDED ? 'undecided' : 'answered';",
    "return value === UNDECIDED ? 'undecided' : 'unknown';",
  ),
  inCore(
    'undecided-forgotten',
    'inbox.ts',
    'undecided ids are forgotten',
    "if (value < 0) return 'unknown';",
    "if (value <= 0) return 'unknown';",
  ),
  inCore(
    'history-too-short',
    'inbox.ts',
    'the dedupe history holds sixteen ids',
    'export const HISTORY = 8448;',
    'export const HISTORY = 16;',
  ),
  inCore(
    'duplicate-unanswered',
    'receiving.ts',
    'a message that comes again gets no answer again',
    "if (known === 'answered') session.repeatAnswer(id, now);",
    '',
  ),
  inCore(
    'old-decision-counts',
    'peer-session.ts',
    'a decision counts for the next life of the session',
    'if (epoch !== this.epoch || !this.answers.inbox.isUndecided(id)) return false;',
    '',
  ),
  inCore(
    'decided-twice',
    'peer-session.ts',
    'a request is decided as often as somebody says so',
    'if (epoch !== this.epoch || !this.answers.inbox.isUndecided(id)) return false;',
    'if (epoch !== this.epoch) return false;',
  ),
  inCore(
    'deadline-moved-by-replay',
    'lane.ts',
    'replay extends the deadline',
    'this.state[slot] = REPLAY;',
    'this.state[slot] = REPLAY; this.deadline[slot] = this.deadline[slot]! + 500;',
  ),
  inCore(
    'deadline-late',
    'lane.ts',
    'messages expire half a second too late',
    'this.deadline[slot] = deadline;',
    'this.deadline[slot] = deadline + 500;',
  ),
  inCore(
    'deadline-order-broken',
    'lane.ts',
    'deadlines stand in the order of sends, not of time',
    'while (before !== DUE && this.deadline[before]! > deadline) before = cells[(before << SHIFT) + EARLIER]!;',
    '',
  ),
  inCore(
    'expires-only-fresh',
    'retention.ts',
    'what was written never expires',
    'slot !== NONE && lane.deadline[slot]! <= now; slot',
    'slot !== NONE && lane.deadline[slot]! <= now && !lane.wasWritten(slot); slot',
  ),
  inCore(
    'a3-before-a2',
    'sending.ts',
    'application messages go before service messages',
    `writeLane(session, a2, callis.carriedA2, batch);
  writeLane(session, a3, callis.carriedA3, batch, held);`,
    `writeLane(session, a3, callis.carriedA3, batch, held);
  writeLane(session, a2, callis.carriedA2, batch);`,
  ),
  inCore(
    'errors-before-acks',
    'sending.ts',
    'errors go before acks',
    `while (acks.size > 0 && batch.hasRoom) {
    putControl(batch, 0, ACK, acks.headId);
    answers.leave(acks);`,
    `while (errors.size > 0 && batch.hasRoom) {
    putError(batch, errors.headId, errors.headError, errors.headText);
    answers.leave(errors);
  }
  while (acks.size > 0 && batch.hasRoom) {
    putControl(batch, 0, ACK, acks.headId);
    answers.leave(acks);`,
  ),
  inCore(
    'messages-before-answers',
    'sending.ts',
    'messages go before answers',
    `if (callis === answering(session)) writeAnswers(session, callis, batch);
    if (callis === session.outlet) writeMessages(session, callis, batch, now);`,
    `if (callis === session.outlet) writeMessages(session, callis, batch, now);
    if (callis === answering(session)) writeAnswers(session, callis, batch);`,
  ),
  inCore(
    'fresh-before-replay',
    'lane.ts',
    'fresh messages go before those that are written again',
    `if (replay !== REPLAY_LIST) return replay;
    const fresh = cells[(FRESH_LIST << SHIFT) + NEXT]!;
    return fresh === FRESH_LIST ? NONE : fresh;`,
    `const fresh = cells[(FRESH_LIST << SHIFT) + NEXT]!;
    if (fresh !== FRESH_LIST) return fresh;
    return replay === REPLAY_LIST ? NONE : replay;`,
  ),
  inCore(
    'replay-under-new-id',
    'retention.ts',
    'a message that is written again gets another id',
    'if (lane.state[slot] === REPLAY) this.context.counters.replays++;\n    else this.giveId(lane, slot);',
    'this.giveId(lane, slot);',
  ),
  inCore(
    'replay-backwards',
    'lane.ts',
    'replay does not keep the order of first transmission',
    '((this.idOf(after) - id) | 0) > 0',
    '((this.idOf(after) - id) | 0) < 0',
  ),
  inCore(
    'replay-order-at-wrap',
    'lane.ts',
    'replay puts ids behind a wrap in front of those before it',
    '((this.idOf(after) - id) | 0) > 0',
    'this.idOf(after) > id',
  ),
  inCore(
    'answers-lost-elsewhere',
    'peer-session.ts',
    'what was answered on a primary that is lost, and written on another, is not asked again',
    'for (const other of this.calles) if (other.isActivePrimary) this.reclaim(other);',
    '',
  ),
  inCore(
    'replay-forgotten',
    'peer-session.ts',
    'what a lost callis carried is not written again',
    'this.retained.a3.reclaim(carriedA3);',
    '',
  ),
  inCore(
    'wrap-skips-zero',
    'retention.ts',
    'the id 0 is left out',
    'this.nextId = (id + 1) >>> 0;',
    'this.nextId = (id + 1) >>> 0 || 1;',
  ),
  inCore(
    'ids-skip',
    'retention.ts',
    'an id is left out now and then',
    'this.nextId = (id + 1) >>> 0;',
    'this.nextId = (id + ((id & 63) === 63 ? 2 : 1)) >>> 0;',
  ),
  inCore(
    'lane-limit-off-by-one',
    'lane.ts',
    'a lane holds one message more than it may',
    'return this.count < this.maxCount &&',
    'return this.count <= this.maxCount &&',
  ),
  inCore(
    'lane-bytes-unbounded',
    'lane.ts',
    'the bytes of a lane have no limit',
    '(this.count === 0 || this.bytes + payloadBytes <= this.maxBytes)',
    'this.bytes >= 0',
  ),
  inCore('parked-lost', 'lane.ts', 'a parked message is lost when room appears', 'this.admit(slot, length);', ''),
  inCore(
    'parked-never-let-in',
    'lane.ts',
    'room that appears is not given to parked messages',
    'this.append(slot, FREE_LIST, FREE);\n    this.letParkedIn();',
    'this.append(slot, FREE_LIST, FREE);',
  ),
  inCore(
    'parked-overtaken',
    'lane.ts',
    'a new message overtakes parked ones',
    'return this.first(PARKED_LIST) === NONE && this.fits(payloadBytes);',
    'return this.fits(payloadBytes);',
  ),
  inCore(
    'late-answer-settles-another',
    'retention.ts',
    'the answer to an expired message settles what has taken its slot',
    'if (written) this.outstanding.delete(lane.idOf(slot));',
    '',
  ),
  inCore(
    'told-twice',
    'retention.ts',
    'an outcome is told twice',
    'waiter.accepted();',
    'waiter.accepted(); waiter.accepted();',
  ),
  inCore(
    'settled-as-not-sent',
    'retention.ts',
    'a message that has left is called not sent',
    "delivery: written ? 'unknown' : 'not-sent'",
    "delivery: 'not-sent'",
  ),
  inCore(
    'local-never-expires',
    'local-session.ts',
    'messages to the own domus never expire',
    'this.retained.expire(now, undefined);',
    '',
  ),
  inCore(
    'local-left-at-shutdown',
    'domus-core.ts',
    'a shutdown leaves messages to the own domus unsettled',
    'this.local.end(failure);',
    '',
  ),
  inCore(
    'ingress-off-by-one',
    'taberna.ts',
    'one request more waits than may',
    'if (this.count >= settings.tabernaAcceptQueueSize) return false;',
    'if (this.count > settings.tabernaAcceptQueueSize) return false;',
  ),
  inCore(
    'ingress-bytes-unbounded',
    'taberna.ts',
    'the bytes that wait for a handler have no limit',
    'return this.count === 0 || this.bytes + length <= settings.tabernaAcceptQueueBytes;',
    'return true;',
  ),
  inCore(
    'accept-timeout-ignored',
    'domus-core.ts',
    'requests that nobody takes wait for ever',
    '(arrival) => arrival.acceptBy <= now,',
    '() => false,',
  ),
  inCore(
    'queue-in-read-buffer',
    'taberna.ts',
    'what waits for a handler stays in the read buffer',
    'cell.bytes = new Uint8Array(cell.payload);\n      cell.start = 0;',
    '',
  ),
  inCore(
    'removal-loses-one',
    'taberna.ts',
    'a removal loses the last request that stays',
    'this.count = kept;',
    'this.count = kept > 1 && kept < this.count ? kept - 1 : kept;',
  ),
  inCore(
    'closed-taberna-is-mute',
    'domus-core.ts',
    'what waits in a taberna that closes is answered by nobody',
    "(arrival) => void arrival.origin!.decide(arrival.epoch, arrival.id, errorId, '', now),",
    '() => {},',
  ),
  inWire(
    'carry-overwritten',
    'decode.ts',
    'the pieces of a payload overwrite each other',
    'this.carry.set(chunk.subarray(this.at, this.at + wanted), this.carryFill);',
    'this.carry.set(chunk.subarray(this.at, this.at + wanted), 0);',
  ),
  inWire(
    'split-header-lost',
    'decode.ts',
    'a header that comes in pieces is read wrong',
    'this.header.set(chunk.subarray(this.at, this.at + wanted), this.headerFill);',
    'this.header.set(chunk.subarray(this.at, this.at + wanted), 0);',
  ),
];
