/** What a failed send says of its peer (topology, detector). */
import type { SendFailure } from '../port.ts';
import { REJECTED } from './core/message-types.ts';
import type { Failure } from './core/outbox.ts';

const BY_KIND: Partial<Record<SendFailure['kind'], Failure>> = {
  'unknown-taberna': 'outside',
  'remote-taberna-rejected': 'rejected',
  'taberna-busy': 'rejected',
  'taberna-shutdown': 'rejected',
  'local-queue-full': 'inconclusive',
  'domus-closed': 'inconclusive',
  'encode-failure': 'inconclusive',
  'invalid-config': 'inconclusive',
  'invalid-state': 'inconclusive',
};

export function failureOf({ kind, delivery }: SendFailure): Failure {
  // The peer's own domus may be closing: it has said so, and will be gone soon.
  if (kind === 'domus-closed' && delivery === 'refused') return 'unreachable';
  return BY_KIND[kind] ?? 'unreachable';
}

/** The text of a rejection: the topology's own, or what A1 says in its place. */
export function rejectionOf({ kind, text }: SendFailure): string {
  if (kind === 'taberna-shutdown') return REJECTED.stopped;
  return kind === 'remote-taberna-rejected' ? text : kind;
}
