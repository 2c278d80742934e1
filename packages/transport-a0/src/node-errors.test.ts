import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DomusError } from './domus-error.ts';
import { bindFailure, handshakeFailure, isSourceUnavailable, isTlsError } from './node-errors.ts';

function coded(code: string, extra: Readonly<Record<string, string>> = {}): Error {
  return Object.assign(new Error(`raw text of ${code}`), { code, ...extra });
}

test('the world, a peer that refuses us, and a peer that we refuse are kept apart', () => {
  const rows: readonly (readonly [Parameters<typeof handshakeFailure>[0], string, RegExp])[] = [
    [{ error: coded('ECONNREFUSED') }, 'peer-unavailable', /connection refused before the handshake was over/],
    [{ error: coded('ECONNRESET') }, 'peer-unavailable', /the peer reset the connection/],
    [{ error: coded('EPIPE') }, 'peer-unavailable', /the peer closed the connection/],
    [{ error: coded('EHOSTUNREACH') }, 'peer-unavailable', /no route to the host/],
    [{ error: coded('EMFILE') }, 'peer-unavailable', /too many open files/],
    [{ error: coded('ENOBUFS') }, 'peer-unavailable', /no memory for another connection/],
    [{ error: coded('EWHATEVER') }, 'peer-unavailable', /EWHATEVER before/],
    [{ error: new Error('odd') }, 'peer-unavailable', /odd before/],
    [{ error: undefined }, 'peer-unavailable', /the peer ended the connection/],
    [
      { error: coded('ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED', { reason: 'tlsv13 alert certificate required' }) },
      'peer-unavailable',
      /the peer refused our certificate or TLS settings: tlsv13 alert certificate required$/,
    ],
    [
      { error: coded('ERR_SSL_WRONG_VERSION_NUMBER', { reason: 'wrong version number' }) },
      'protocol-violation',
      /TLS failed: wrong version number$/,
    ],
    [
      { error: coded('CERT_HAS_EXPIRED'), refusal: 'CERT_HAS_EXPIRED' },
      'protocol-violation',
      /refused: cert has expired$/,
    ],
    [
      { error: coded('ECONNRESET'), refusal: 'UNABLE_TO_VERIFY_LEAF_SIGNATURE' },
      'protocol-violation',
      /unable to verify/,
    ],
    [{ error: undefined, refusal: new Error('a reason') }, 'protocol-violation', /refused: a reason$/],
    [
      { error: coded('ERR_TLS_CERT_ALTNAME_INVALID'), refusal: 'x' },
      'address-mismatch',
      /no IP name for the dialled ip/,
    ],
  ];
  for (const [end, kind, text] of rows) {
    const failure = handshakeFailure(end);
    assert.equal(failure.kind, kind, failure.message);
    assert.match(failure.message, text);
    assert.equal(failure.cause, end.error);
  }
});

test('a DomusError stays what it is; a peer given is named', () => {
  const own = new DomusError('protocol-violation', 'own');
  assert.equal(handshakeFailure({ error: own }), own);
  assert.equal(handshakeFailure({ error: coded('EPIPE'), peer: 'tcp://127.0.0.1:1' }).peer, 'tcp://127.0.0.1:1');
});

test('[a0-tcp-3] only a failed bind means that the source ip is not there', () => {
  assert.equal(isSourceUnavailable(coded('EADDRNOTAVAIL', { syscall: 'bind' })), true);
  assert.equal(isSourceUnavailable(coded('EADDRNOTAVAIL', { syscall: 'connect' })), false);
  assert.equal(isSourceUnavailable(coded('ECONNREFUSED', { syscall: 'connect' })), false);
  assert.equal(isSourceUnavailable(undefined), false);
});

test('errors of TLS are told from those of the system', () => {
  assert.deepEqual(
    [isTlsError(coded('ERR_SSL_ANY')), isTlsError(coded('ECONNRESET')), isTlsError(undefined)],
    [true, false, false],
  );
});

test('a listener that cannot open is bind-failed, with the place and the cause', () => {
  const rows = [
    ['EADDRINUSE', /cannot listen at 127\.0\.0\.1:1: it is in use/],
    ['EADDRNOTAVAIL', /does not have that ip/],
    ['EACCES', /permission denied/],
    ['EOTHER', /raw text of EOTHER/],
  ] as const;
  for (const [code, text] of rows) {
    const cause = coded(code);
    const failure = bindFailure(cause, '127.0.0.1:1');
    assert.deepEqual([failure.kind, failure.detail, failure.cause], ['bind-failed', code, cause]);
    assert.match(failure.message, text);
  }
});
