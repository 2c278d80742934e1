/**
 * Where an implementation is known to differ from the specification: each entry with the reason, and with what it does
 * instead. A case that differs and stands in no entry fails the suite, and so does an entry whose case has come to conform.
 */
import type { Transport } from './ground.ts';

export interface Difference {
  /** The cases, by their whole ids. */
  readonly cases: RegExp;
  /** Default: both. */
  readonly transport?: Transport;
  /** Why, as docs/protocol/rust-peer.md tells it. */
  readonly reason: string;
  /** What the verdict says that it did. */
  readonly instead: RegExp;
  /** It depends on the order of events inside the implementation, so the cases may also conform. Default: always. */
  readonly occurs?: 'at-times';
}

const END = /instead of the end$/;
const SILENCE = /^no .* from the implementation within/;

/** Of the crate `aurelia` 0.2.0. */
export const RUST_DIFFERENCES: readonly Difference[] = [
  {
    cases:
      /(keepalive|ack|close|error|a2-message|a3-message)-msg_type-0x(0|a|b|100|fffe|ffff)|on-(accepted|dialled)-unknown-type/,
    reason: 'types 0 and 10..0xFFFF are handled as messages; behind the hello nothing of the A1 range but 7 is refused',
    instead: END,
  },
  {
    cases: /(keepalive|ack)-payload_len-(1|4|8|limit)|on-(accepted|dialled)-ack-with-payload/,
    reason: 'payloads of ack and keepalive are not checked',
    instead: END,
  },
  {
    cases: /a[23]-message-msg_type-0x[34]/,
    reason: 'payloads of ack and keepalive are not checked',
    instead: END,
  },
  {
    cases: /close-payload_len-(1|4|8|limit)/,
    reason: 'the payload of a close is not checked: it ends the session',
    instead: /hello-response #0 instead of hello-response with flags 2/,
  },
  {
    cases: /a[23]-message-payload_len-(limit\+1|\d{10})|message-oversized(-with-payload|-a2)?/,
    reason: 'a message over the limit ends the callis without a word',
    instead: /^the end instead of error 7/,
  },
  {
    cases: /hello-plain-for-held-session/,
    reason: 'as listener it ignores a plain hello for a session that it holds: older calles stay',
    instead: SILENCE,
  },
  {
    cases: /hello-plain-after-loss-low-ids/,
    reason: 'as listener it keeps its dedupe history over a restart of the peer, and acks what nobody sees',
    instead: /^seen: \[old life\]$/,
  },
  {
    cases: /hello-plain-then-reconnect/,
    reason: 'as listener it ignores a plain hello for a session that it holds: answers may take an older callis',
    instead: SILENCE,
    occurs: 'at-times',
  },
  {
    cases: /restart-by-inbound-hello|plain-answer-behind-restart/,
    reason: 'as listener it ignores a plain hello for a session that it holds: work waits for its deadline',
    instead: /ended as send-timeout/,
  },
  {
    cases: /callis-limit-restart/,
    reason: 'as listener it ignores a plain hello for a session that it holds: older calles count',
    instead: /callis limit reached/,
  },
  {
    cases: /callis-limit-reconnect/,
    reason: 'at the callis limit a RECONNECT is refused like any hello',
    instead: /callis limit reached/,
  },
  {
    cases: /reconnect-answered-plainly-twice/,
    reason: 'it answers RECONNECT with RECONNECT if it holds the session, whether or not its first answer has arrived',
    instead: /^hello-response RECONNECT/,
  },
  {
    cases: /(duplicate|replay)-of-reject/,
    reason: 'only accepted messages are remembered: a rejected one runs again when repeated',
    instead: /^seen: \[salve, salve\]$/,
  },
  {
    cases: /duplicate-of-undecided|duplicate-in-one-write/,
    reason: 'after a repeat on the same callis an undecided message is never answered',
    instead: SILENCE,
  },
  {
    cases: /replay-of-undecided|decided-(behind-reconnect|while-away)|answers-move-to-other-callis/,
    reason: 'undecided requests of a lost callis are forgotten: a decision answers nothing',
    instead: SILENCE,
  },
  {
    cases: /send-ids-start-high/,
    reason: 'ids begin at 0 in each session',
    instead: /^id 0$/,
  },
  {
    cases: /send-on-oldest-primary/,
    reason: 'fresh work takes any active primary',
    instead: SILENCE,
    occurs: 'at-times',
  },
  {
    cases: /dial-reconnect-replays|replay-on-inbound-reconnect|other-primary-takes-over/,
    reason: 'what waits while a callis comes up with RECONNECT may be written twice',
    instead: /^A3 message #\d+ to \d+ \(\d+ B\) instead of ack/,
    occurs: 'at-times',
  },
  {
    cases: /dial-restart-keeps-unwritten/,
    reason: 'a plain answer to RECONNECT fails all tracked messages, even those never written',
    instead: SILENCE,
    occurs: 'at-times',
  },
  {
    cases: /both-ask-at-once/,
    reason: 'it answers RECONNECT at once, whatever it has asked itself',
    instead: /^hello-response RECONNECT/,
    occurs: 'at-times',
  },
  {
    cases: /dial-redials-without-work/,
    reason: 'it redials only with work waiting',
    instead: SILENCE,
  },
  {
    cases: /close-ends-other-calles/,
    reason: 'after a close other primaries stay until the next contact, and answer with peer-unavailable',
    instead: SILENCE,
  },
  {
    cases: /nudge/,
    transport: 'tcp',
    reason: 'it has no nudge',
    instead: SILENCE,
  },
  {
    cases: /shutdown-waits-for-(decision|ack)/,
    reason: 'a shutdown writes only answers that are waiting already, and fails own work at once',
    instead: /at once$|no domus is open$/,
  },
  {
    cases: /shutdown-answers-queued/,
    reason: 'domus-closed for queued requests usually comes too late to be sent',
    instead: /instead of error 23/,
    occurs: 'at-times',
  },
];

/** The entry of a case over a transport, if it has one. */
export function differenceOf(
  differences: readonly Difference[],
  id: string,
  transport: Transport,
): Difference | undefined {
  return differences.find(({ cases, transport: only }) => {
    return (only === undefined || only === transport) && new RegExp(`^(?:${cases.source})$`).test(id);
  });
}
