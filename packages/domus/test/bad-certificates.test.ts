/**
 * Certificates that a peer must refuse, seen by the program that sends: whichever side holds the bad one, and whichever
 * side dials, the send fails in time and its cause says that it was the certificate.
 */
import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { test } from 'node:test';
import { type Authority, createAuthority, type PemMaterial } from '@flaminia/certificates';
import { type CertificateRequest, domusExtensions, issueCertificate } from '@flaminia/certificates/internal';
import { until } from '@flaminia/testkit';
import { type DomusAddr, DomusError } from '@flaminia/transport-a0';
import { eventsOf, Numbers } from './memory-bench.ts';
import { reloadInTime } from './rotation-material.ts';
import { SocketImperium, TRANSPORTS, unreachedFailure } from './socket-imperium.ts';

const HOUR_MS = 3_600_000;
const QUICK = { reconnectBackoff: [100] };

/** Material of a domus whose leaf is issued by `issuer`; `over` breaks what is to be broken. */
async function material(
  trusted: Authority,
  issuer: Authority,
  address: DomusAddr,
  over: Partial<CertificateRequest> = {},
): Promise<PemMaterial> {
  const now = Date.now();
  const leaf = await issueCertificate({
    subject: [{ type: 'CN', value: 'odd' }],
    issuer: { certificate: new X509Certificate(issuer.certificates[0]), key: issuer.key },
    notBefore: new Date(now - HOUR_MS),
    notAfter: new Date(now + HOUR_MS),
    extensions: domusExtensions(address),
    ...over,
  });
  return { ca: trusted.certificates.at(-1)!, cert: leaf.certificatePem, key: leaf.privateKeyPem };
}

/** In the words of TLS, and in those of the chain validator. */
const UNKNOWN_ISSUER = /unable to (?:verify|get)|certificate signature failure|nobody known has issued/;

interface Row {
  readonly name: string;
  /** What is said of the certificate, by the side that refuses it. */
  readonly says: RegExp;
  make(trusted: Authority, address: DomusAddr): Promise<PemMaterial>;
}

const rows: readonly Row[] = [
  {
    name: 'expired',
    says: /expired/,
    make: (trusted, address) => material(trusted, trusted, address, { notAfter: new Date(Date.now() - 60_000) }),
  },
  {
    name: 'not yet valid',
    says: /not (?:yet valid|valid yet)/,
    make: (trusted, address) => material(trusted, trusted, address, { notBefore: new Date(Date.now() + HOUR_MS / 2) }),
  },
  {
    name: 'of a stranger',
    says: UNKNOWN_ISSUER,
    make: async (trusted, address) => material(trusted, await createAuthority({ name: 'stranger' }), address),
  },
  {
    name: 'of a stranger with the name of the authority',
    says: UNKNOWN_ISSUER,
    make: async (trusted, address) => material(trusted, await createAuthority(), address),
  },
  {
    name: 'below an intermediate that is not shown',
    says: UNKNOWN_ISSUER,
    make: async (trusted, address) =>
      material(trusted, await createAuthority({ name: 'between', parent: trusted }), address),
  },
];

for (const transport of TRANSPORTS) {
  for (const { name, says, make } of rows) {
    test(`[a1-send-8] [a0-auth-13] [case-10] over ${transport}, a certificate ${name}: both ways the send says so`, async (t) => {
      const imperium = new SocketImperium(t, transport);
      const trusted = await imperium.authority();
      const [good, address] = [await imperium.open({ config: QUICK }), await imperium.address()];
      // Whoever opens with a leaf that has run out is refused by itself.
      const odd = await imperium.open({ address, config: QUICK });
      await reloadInTime(t, odd, await make(trusted, address));
      await good.serve(Numbers, () => assert.fail('it must not arrive'));
      await odd.serve(Numbers, () => assert.fail('it must not arrive'));
      const seen = eventsOf(good);
      const errors = await Promise.all([
        unreachedFailure(good, () => good.send(Numbers, 1, { to: odd.address })),
        unreachedFailure(odd, () => odd.send(Numbers, 2, { to: good.address })),
      ]);
      for (const [i, error] of errors.entries()) {
        assert.deepEqual([error.kind, error.delivery], ['send-timeout', 'not-sent']);
        const { cause } = error;
        assert.ok(DomusError.is(cause), `cause: ${String(cause)}`);
        assert.ok(cause.kind === 'protocol-violation' || cause.kind === 'peer-unavailable', cause.kind);
        if (i === 0) assert.match(cause.message, says, 'who refuses knows why');
      }
      for (const kind of ['inbound-handshake-failed', 'peer-dial-failed'])
        await until(() => seen.some((event) => event.kind === kind), `${kind}, reported where it was refused`);
      const { peers, primaryCalles } = good.reporting.snapshot();
      assert.deepEqual([peers.current, primaryCalles.opened], [0, 0]);
    });
  }

  test(`[a0-auth-13] over ${transport}: a stranger in between leaves honest peers alone`, async (t) => {
    const imperium = new SocketImperium(t, transport);
    const trusted = await imperium.authority();
    const [worker, gateway, address] = [await imperium.open(), await imperium.open(), await imperium.address()];
    const stranger = await createAuthority({ name: 'stranger' });
    const auth = await material(trusted, stranger, address);
    const odd = await imperium.open({ address, auth, config: QUICK });
    await worker.serve(Numbers, () => {});
    const refused = unreachedFailure(odd, () => odd.send(Numbers, 0, { to: worker.address }));
    for (let i = 0; i < 20; i++) await gateway.send(Numbers, i, { to: worker.address });
    assert.equal((await refused).delivery, 'not-sent');
  });
}
