/** Which certificates the TCP backend takes, in both roles: every row of the table against a peer that lets anything pass. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { authorityExtensions } from '@flaminia/certificates/internal';
import { loadAuthMaterial } from '../src/auth-material.ts';
import { DomusError } from '../src/domus-error.ts';
import { BAD_CERTIFICATES, GOOD_CERTIFICATES, openWorkshop, type Workshop } from './tcp-certificates.ts';
import {
  freeAddress,
  issueAuthority,
  issueLeaf,
  openDomus,
  type TestDomus,
  until,
  untilQuiet,
} from './tcp-imperium.ts';
import { ActorListener, actorDials, Decoy } from './tls-actor.ts';

let workshop: Workshop;
let domus: TestDomus;
let base: string[] = [];
const authInit = Buffer.concat([Buffer.of(1), Buffer.alloc(32, 7)]);

before(async () => {
  base = process.getActiveResourcesInfo();
  workshop = await openWorkshop(await freeAddress());
  domus = await openDomus(workshop.authority);
});

after(async () => {
  await domus.close();
  await untilQuiet(base);
});

test('the table has at least 40 bad certificates', () => {
  assert.ok(BAD_CERTIFICATES.length >= 40, `${BAD_CERTIFICATES.length} rows`);
});

describe('[a0-tcp-1] a listener with a bad certificate is refused before AUTH_INIT', () => {
  for (const { name, make } of BAD_CERTIFICATES) {
    test(name, async () => {
      const listener = await new ActorListener(await make(workshop)).listen(workshop.address);
      try {
        await assert.rejects(domus.dial(workshop.address.text), isRefusal);
        assert.equal((await listener.heard()).length, 0);
      } finally {
        listener.close();
      }
    });
  }
});

describe('[a0-tcp-2] [a0-tcp-16] [case-13] a dialler with a bad certificate is refused without an answer and without a callback', () => {
  for (const { name, make } of BAD_CERTIFICATES) {
    test(name, async () => {
      const leaf = await make(workshop);
      const claimed = new Decoy();
      await claimed.listen(workshop.address);
      try {
        const actor = await actorDials(domus.address, leaf);
        actor.socket.write(authInit);
        const { error } = await domus.nextFailure();
        await until(() => actor.closed);
        assert.ok(DomusError.is(error), String(error));
        assert.equal(actor.bytes.length, 0);
        assert.equal(claimed.connections, 0);
        // The claim to another port alone cannot be seen here: the callback goes there, where nobody waits for it.
        const kind = name.endsWith('names for another port') ? 'peer-unavailable' : 'protocol-violation';
        assert.equal(error.kind, kind, error.message);
      } finally {
        claimed.close();
      }
    });
  }
});

describe('[a0-auth-12] [case-11] [case-12] a good certificate gets as far as the handshake', () => {
  for (const { name, make } of GOOD_CERTIFICATES) {
    test(name, async () => {
      const leaf = await make(workshop);
      const listener = await new ActorListener(leaf).listen(workshop.address);
      const abort = new AbortController();
      try {
        const dial = domus.dial(workshop.address.text, abort.signal);
        const primary = await listener.nextActor();
        assert.equal((await primary.take(33))[0], 1, 'as a listener');
        abort.abort();
        await assert.rejects(dial, { kind: 'peer-unavailable' });

        const dialler = await actorDials(domus.address, leaf);
        dialler.socket.write(authInit);
        const callback = await listener.nextActor();
        assert.equal((await callback.take(65))[0], 2, 'as a dialler');
        dialler.socket.destroy();
        assert.equal((await domus.nextFailure()).error instanceof DomusError, true);
      } finally {
        listener.close();
      }
    });
  }
});

test('[a0-auth-18] a listener without a chain to a self-signed certificate of the set is refused, though an intermediate of it is there', async () => {
  const { authority, stranger, address } = workshop;
  const intermediate = await issueAuthority({ issuer: stranger, extensions: authorityExtensions() });
  const own = await issueLeaf(authority, domus.address.text);
  const trusted = domus.material;
  domus.material = loadAuthMaterial(
    { ca: [authority.certificatePem, intermediate.certificatePem], cert: own.chain, key: own.issued.privateKeyPem },
    'tcp',
  );
  const listener = await new ActorListener(await issueLeaf(intermediate, address.text)).listen(address);
  try {
    await assert.rejects(domus.dial(address.text), { kind: 'protocol-violation', detail: 'certificate-refused' });
  } finally {
    domus.material = trusted;
    listener.close();
  }
});

test('[a0-auth-18] an intermediate of the CA set completes the chain of a peer that does not show it', async () => {
  const { authority, address } = workshop;
  const intermediate = await issueAuthority({ subject: [{ type: 'CN', value: 'middle' }], issuer: authority });
  const own = await issueLeaf(authority, domus.address.text);
  const trusted = domus.material;
  domus.material = loadAuthMaterial(
    { ca: [authority.certificatePem, intermediate.certificatePem], cert: own.chain, key: own.issued.privateKeyPem },
    'tcp',
  );
  const listener = await new ActorListener(await issueLeaf(intermediate, address.text)).listen(address);
  const abort = new AbortController();
  try {
    const dial = domus.dial(address.text, abort.signal);
    assert.equal((await (await listener.nextActor()).take(33)).length, 33);
    abort.abort();
    await assert.rejects(dial, { kind: 'peer-unavailable' });
  } finally {
    domus.material = trusted;
    listener.close();
  }
});

function isRefusal(error: unknown): boolean {
  assert.ok(DomusError.is(error), String(error));
  assert.ok(error.kind === 'protocol-violation' || error.kind === 'address-mismatch', error.message);
  assert.equal(error.peer, workshop.address.text);
  return true;
}
