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
    cases: /restart-by-inbound-hello|dial-before-restart/,
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
    cases: /reconnect-answered-plainly-(twice|beside)/,
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
    cases: /lanes-in-order/,
    reason: 'undecided requests of a lost callis are forgotten: a decision answers nothing',
    instead: /^A3 message #\d+ to \d+ \(5 B\) instead of ack/,
  },
  {
    cases: /unread-primary-is-dropped|silent-primary-.*/,
    reason: 'a primary that is silent or takes nothing stays in use, without a time limit',
    instead: SILENCE,
  },
  {
    cases: /blob-send-without-callis/,
    reason: 'its idle limit is 60 s, whatever sendTimeout',
    instead: /^waited in vain for the outcome/,
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
  {
    cases: /blob-hello-plain-beside-active|blob-dial-first-ones-at-once/,
    reason: 'a plain blob hello beside another is answered, and fails streams',
    instead: /^hello-response BLOB/,
  },
  {
    cases: /blob-hello-numbers-hold/,
    reason: 'the numbers of a blob callis are agreed anew each time',
    instead: /^hello-response BLOB RECONNECT/,
  },
  {
    cases: /blob-dial-after-loss-other-numbers/,
    reason: 'other numbers fail only the streams that it sends',
    instead: SILENCE,
  },
  {
    cases: /blob-hello-reconnect-at-callis-limit/,
    reason: 'at the callis limit a blob hello that resumes is refused like any hello',
    instead: /callis limit reached/,
  },
  {
    cases:
      /on-blob-callis-(a2-)?message|(chunk|complete)-msg_type-0x(0|a|b|100|fffe|ffff|10000|ffffff|1000000|ffffffff)/,
    reason: 'messages and unknown types on a blob callis are handled as on a primary',
    instead: END,
  },
  {
    cases: /on-blob-callis-(keepalive|ack)-with-payload|(chunk|complete)-msg_type-0x[34]/,
    reason: 'payloads of ack and keepalive are not checked on a blob callis either',
    instead: END,
  },
  {
    cases: /blob-with-empty-chunks-between/,
    reason: 'an empty chunk ends its reader',
    // What came before the reader's end is acked, what comes behind it is refused: the border is a matter of its tasks.
    instead: /^1 other bytes were read|^error 15 for #10[1-3]/,
  },
  {
    cases:
      /blob-slow-reader-.*|blob-whole-before-it-is-read|blob-repeat-of-withheld-chunk|blob-aborted-by-receiver|blob-idle-not-while-acks-are-withheld|blob-chunk-(last-)?for-full-store|blob-chunk-last-before-a-later-one|blob-chunk-fills-window-while-one-is-missing/,
    reason: 'chunks are acked on arrival, read or not',
    instead: /^ack #100 instead of/,
  },
  {
    cases: /blob-repeat-of-last-chunk|blob-chunk-(last-)?behind-last/,
    reason: 'a chunk for a stream that has all of its chunks is acked for 60 s',
    instead: /^ack #\d+ instead of error/,
  },
  {
    cases: /blob-chunk-of-unknown-stream-far-over-size/,
    reason: 'the size of a chunk is checked before its stream',
    instead: /^error 7 for #199/,
  },
  {
    cases: /blob-last-chunk-overtakes-on-two-calles/,
    reason: 'LAST_CHUNK before an earlier chunk fails the stream, whatever carries it',
    instead: /^error 18 for #101/,
  },
  {
    cases:
      /blob-complete-for-own-stream-of-peer|blob-send-complete-(unknown|twice)|complete-(peer_msg_id|src_taberna|dst_taberna|request_msg_id)-.*/,
    reason: 'complete for a stream that it does not know closes that blob callis',
    instead: /^the end instead of ack/,
  },
  {
    cases: /blob-send-complete-too-early/,
    reason: 'complete before LAST_CHUNK was written is acked',
    instead: /^ack #900 instead of error 7/,
  },
  {
    cases: /blob-callis-close|primary-close-ends-blob-callis/,
    reason: 'after a close its other calles stay until the next contact, blob calles too',
    instead: SILENCE,
  },
  {
    cases: /restart-ends-blob-callis/,
    reason: 'as listener it ignores a plain hello for a session that it holds: blob calles stay',
    instead: SILENCE,
  },
  {
    cases: /blob-session-(closed|restarted)|blob-send-session-(closed|restarted)/,
    reason: 'the end of a session does not fail its streams: they meet their time limits',
    instead: /^no reading|^waited in vain/,
  },
  {
    cases: /blob-offer-given-up-before-ack|blob-aborted-by-receiver-without-callis|blob-send-never-gets-callis/,
    reason: 'a receiver or sender that is dropped says nothing',
    instead: SILENCE,
  },
  {
    cases: /blob-complete-repeated-once/,
    reason: 'complete is not repeated when its callis dies',
    instead: SILENCE,
  },
  {
    cases: /blob-idle/,
    reason: 'its idle limit is 60 s, whatever sendTimeout',
    instead: SILENCE,
    occurs: 'at-times',
  },
  {
    cases:
      /blob-send-quiet-writer|blob-send-last-chunk-behind-unanswered|blob-send-given-up(-without-callis)?|blob-send-replay-before-fresh/,
    reason: 'a quiet writer keeps back what fills no further chunk',
    instead: SILENCE,
  },
  {
    cases: /blob-send-(replay(-on-inbound)?|late-answers|acks-suffice-after-loss)/,
    reason: 'a sender waits for complete, whatever calles were lost',
    instead: /ended as send-timeout/,
  },
  {
    cases: /blob-send-window/,
    reason: 'the window counts unanswered chunks, not ids behind the lowest',
    instead: /^chunk \d+ of/,
    occurs: 'at-times',
  },
  {
    cases: /blob-with-any-ids/,
    reason: 'a complete is dropped if its id equals that of a chunk whose ack waits',
    instead: SILENCE,
    occurs: 'at-times',
  },
  {
    cases: /blob-send-redial-answered-plainly/,
    reason: 'a stream that fails with its callis may still write a chunk',
    instead: /^chunk \d+ of/,
    occurs: 'at-times',
  },
  {
    cases: /(chunk|complete)-msg_type-0x5/,
    reason: 'the payload of a close is not checked on a blob callis either',
    instead: /^error 3 for/,
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
