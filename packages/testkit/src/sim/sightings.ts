/** Which situations an event or a failure shows; for the coverage of a run. */
import type { CoreEvent, PeerSession, SendFailure } from '@flaminia/delivery-a1/internal';
import type { Coverage, Situation } from './coverage.ts';

const FAILURES: Readonly<Partial<Record<SendFailure['kind'], Situation>>> = {
  'remote-taberna-rejected': 'send rejected',
  'unknown-taberna': 'send to unknown taberna',
  'taberna-busy': 'send busy: ingress full or not taken',
  'peer-unavailable': 'send failed: peer-unavailable',
  'peer-restarted': 'send failed: peer-restarted',
  'domus-closed': 'send failed: domus-closed',
  'taberna-shutdown': 'send failed: taberna-shutdown',
  'protocol-violation': 'send failed: protocol-violation',
  'blob-buffer-full': 'no room for a stream',
};

const LOGS: Readonly<Record<number, Situation>> = {
  1002: 'hello beyond the handshake limit (1002)',
  1003: 'hello refused at the callis limit (1003)',
  1005: 'duplicate while its answer waits (1005, 1006)',
  1006: 'duplicate while its answer waits (1005, 1006)',
};

export function sawFailure(coverage: Coverage, failure: SendFailure): void {
  const situation = FAILURES[failure.kind];
  if (situation !== undefined) coverage.saw(situation);
  else if (failure.kind === 'send-timeout')
    coverage.saw(failure.delivery === 'not-sent' ? 'send timed out unwritten' : 'send timed out written');
}

/** An event of a domus, and the session that it concerns. */
export function sawEvent(coverage: Coverage, session: PeerSession | undefined, event: CoreEvent): void {
  if (event.kind === 'limited-log') {
    const situation = LOGS[event.id];
    if (situation !== undefined) coverage.saw(situation);
  } else if (event.kind === 'outbound-queue-overrun') {
    if (event.tier === 'a2') coverage.saw('A2 lane full');
    if (event.tier === 'a3') coverage.saw('A3 lane full');
  } else if (event.kind === 'peer-dial-failed') {
    coverage.saw('dial failed');
    const text = String(event.error);
    if (text.includes('connect timeout')) coverage.saw('connect timeout');
    if (text.includes('without primary')) coverage.saw('blob callis without primary');
  } else if (event.kind === 'peer-disconnected') {
    if (event.reason === 'closed-by-peer') coverage.saw('close received');
    if (event.reason === 'unreachable') coverage.saw('peer torn down as unreachable');
  } else if (session !== undefined) sawCallis(coverage, session, event);
}

function sawCallis(coverage: Coverage, session: PeerSession, event: CoreEvent): void {
  const active = session.calles.filter((callis) => callis.isActivePrimary).length;
  if (event.kind === 'primary-callis-connected') {
    if (active > 1) coverage.saw('two primaries at once');
  } else if (event.kind === 'blob-callis-connected') {
    coverage.saw(session.blobs!.hasHad ? 'blob callis resumed' : 'blob callis up');
    if (session.blobs!.calles.length > 0) coverage.saw('two blob calles at once');
  } else if (event.kind === 'blob-callis-disconnected') {
    coverage.saw('blob callis lost');
  } else if (event.kind === 'primary-callis-disconnected') {
    if (event.reason === 'silent' && active > 0) coverage.saw('silent primary replaced');
    if (event.reason === 'write-stalled') coverage.saw('write stalled');
    if (event.reason === 'replaced') coverage.saw('callis replaced at the limit');
    if (event.reason === 'connection-lost' && active > 0) coverage.saw('takeover by another primary');
  } else if (event.kind === 'peer-session-restarted') {
    coverage.saw('session restarted');
    // A dialler that learns of it is still greeting.
    if (session.dial.kind !== 'greeting') coverage.saw('plain hello to a held session');
  }
}
