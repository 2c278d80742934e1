import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HISTORY } from './broadcast.ts';
import { ErrorLog } from './error-log.ts';
import type { DomusEvent, ReportedError } from './reporting.ts';

const at = 5;
const peer = 'tcp://127.0.0.1:1';
const taberna = { id: '0x0000000000000001' };
const error: ReportedError = { kind: undefined, message: 'a text' };

/** A log in which so many errors are noted. */
function noted(count: number): ErrorLog {
  const log = new ErrorLog();
  for (let i = 0; i < count; i++) log.note({ kind: 'listener-failed', at, error });
  return log;
}

const seqs = (log: ErrorLog, seq: number, limit?: number): unknown[] => {
  const { errors, lost, next } = log.since(seq, limit);
  return [errors.map((record) => record.seq), lost, next];
};

test('[api-70] events with an error, violations, losses, restarts and overruns are errors, with whom they concern', () => {
  const overrun = { kind: 'outbound-queue-overrun', at, peer, tier: 'a3', limit: 9, msgType: 0 } as const;
  const rows: [DomusEvent, object | undefined, RegExp][] = [
    [{ kind: 'peer-dial-failed', at, peer, callis: 'primary', error }, { peer }, /^a text$/],
    [{ kind: 'inbound-handshake-failed', at, remote: '127.0.0.1:9', error }, { remote: '127.0.0.1:9' }, /^a text$/],
    [{ kind: 'listener-failed', at, error }, {}, /^a text$/],
    [{ kind: 'auth-reload-failed', at, error }, {}, /^a text$/],
    [{ kind: 'handler-failed', at, taberna, error }, { taberna }, /^a text$/],
    [{ kind: 'protocol-violation', at, peer, detail: 'flags' }, { peer }, /^protocol-violation: flags$/],
    [
      { kind: 'primary-callis-disconnected', at, peer, reason: 'connection-lost', detail: '' },
      { peer },
      /^connection-lost: connection-lost$/,
    ],
    [
      { kind: 'blob-callis-disconnected', at, peer, reason: 'connection-lost', detail: 'cut' },
      { peer },
      /^connection-lost: cut$/,
    ],
    [
      { kind: 'primary-callis-disconnected', at, peer, reason: 'write-stalled', detail: 'slow' },
      { peer },
      /^connection-lost: slow$/,
    ],
    [{ kind: 'peer-disconnected', at, peer, reason: 'unreachable' }, { peer }, /^peer-unavailable: /],
    [{ kind: 'peer-session-restarted', at, peer }, { peer }, /^peer-restarted: /],
    [overrun, { peer }, /^local-queue-full: the a3 lane .*\(9\)$/],
    [{ kind: 'backpressure-triggered', at, peer, taberna }, { peer, taberna }, /^taberna-busy: /],
  ];
  for (const [event, concerned, message] of rows) {
    const log = new ErrorLog();
    log.note(event);
    const [record] = log.since(0).errors;
    assert.ok(record !== undefined, event.kind);
    const { error: told, ...rest } = record;
    assert.deepEqual(rest, { seq: 1, at, event: event.kind, ...concerned });
    assert.match(told.message, message);
    if (told.kind !== undefined) assert.ok(told.message.startsWith(`${told.kind}: `));
  }
});

test('[api-70] what is meant to happen is no error', () => {
  const log = new ErrorLog();
  const reasons = ['closed-by-peer', 'closed-locally', 'replaced', 'session-restarted', 'protocol-violation'] as const;
  for (const reason of reasons) {
    log.note({ kind: 'primary-callis-disconnected', at, peer, reason, detail: '' });
    log.note({ kind: 'peer-disconnected', at, peer, reason });
  }
  for (const kind of ['config-reloaded', 'auth-reloaded', 'shutdown-started', 'shutdown-complete'] as const) {
    log.note({ kind, at });
  }
  log.note({ kind: 'peer-connected', at, peer, freshSession: true });
  log.note({ kind: 'primary-callis-connected', at, peer, dialled: true });
  assert.deepEqual(log.since(0).errors, []);
});

test('[api-62] errors are read on from a number, the oldest first, at most as many as asked for', () => {
  const log = noted(5);
  assert.deepEqual(seqs(log, 0, 2), [[1, 2], 0, 2]);
  assert.deepEqual(seqs(log, 2, 2), [[3, 4], 0, 4]);
  assert.deepEqual(seqs(log, 4), [[5], 0, 5]);
  assert.deepEqual(seqs(log, 5), [[], 0, 5]);
  assert.deepEqual(seqs(noted(0), 0), [[], 0, 0]);
  assert.equal(noted(200).since(0).errors.length, 100, 'the default');
});

test('[api-62] whoever asks late is told how many errors are kept no more', () => {
  const log = noted(HISTORY + 10);
  assert.deepEqual(seqs(log, 0, 1), [[11], 10, 11]);
  assert.deepEqual(seqs(log, 7, 1), [[11], 3, 11]);
  assert.deepEqual(seqs(log, 10, 1), [[11], 0, 11]);
  assert.deepEqual(seqs(log, HISTORY + 9, HISTORY), [[HISTORY + 10], 0, HISTORY + 10]);
});

test('[api-62] a number that was never given counts as 0: the domus has begun anew', () => {
  assert.deepEqual(seqs(noted(2), 3), [[1, 2], 0, 2]);
});

test('[api-62] numbers out of range are invalid-config', () => {
  for (const seq of [-1, 0.5, Number.NaN, '1' as unknown as number]) {
    assert.throws(() => noted(1).since(seq), { kind: 'invalid-config', detail: 'seq' });
  }
  for (const limit of [0, HISTORY + 1, 1.5]) {
    assert.throws(() => noted(1).since(0, limit), { kind: 'invalid-config', detail: 'limit' });
  }
});
