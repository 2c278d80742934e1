/** The topology over real sockets: TCP with mutual TLS, certificates, the clock of the system. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createAuthority, issueAuth } from '@flaminia/certificates';
import { Domus } from '@flaminia/domus';
import type { DomusAddr } from '@flaminia/transport-a0';
import { type AuthMaterial, loadAuthMaterial } from '@flaminia/transport-a0/internal';
import { certificateSigner } from '../../src/topology/certificate-signer.ts';
import { CertificateVerifier } from '../../src/topology/certificate-verifier.ts';
import { Topology } from '../../src/topology/topology.ts';

test('[case-19] [case-23] [case-31] [case-40] three nodes on TCP find each other by one seed; one leaves', async (t) => {
  const ca = await createAuthority();
  const open = async (nodeId: string): Promise<{ domus: Domus; topology: Topology }> => {
    let material: AuthMaterial | undefined;
    const issue = issueAuth({ ca, nodeId, nodeType: 'worker' });
    const auth = async (address: DomusAddr): ReturnType<typeof issue> => {
      const pem = await issue(address);
      material = loadAuthMaterial(pem, 'tcp');
      return pem;
    };
    const domus = await Domus.open({ address: 'tcp://127.0.0.1:0', auth });
    const topology = new Topology({
      port: domus.port,
      signer: certificateSigner(material!),
      verifier: new CertificateVerifier(() => material!.ca),
    });
    t.after(async () => {
      topology.stop();
      await domus.shutdown({ drainTimeout: 0 });
    });
    return { domus, topology };
  };
  const all = [await open('a'), await open('b'), await open('c')];
  const [a, b, c] = all as [(typeof all)[0], (typeof all)[0], (typeof all)[0]];
  const complete = Promise.all(all.map(({ topology }) => lists(topology, 3)));
  for (const { topology } of all) topology.start({ seeds: [a.domus.address] });
  await complete;
  assert.equal(b.topology.node('c')!.address, c.domus.address);
  assert.notEqual(c.domus.address, 'tcp://127.0.0.1:0');
  assert.ok((await b.topology.ping('c')) > 0);
  const fewer = Promise.all([a, b].map(({ topology }) => lists(topology, 2)));
  await c.topology.leave();
  await fewer;
  assert.equal(a.topology.refusals.signature + a.topology.refusals.chain + a.topology.refusals.identity, 0);
});

/** Resolves once a topology lists so many nodes. */
async function lists(topology: Topology, count: number): Promise<void> {
  if (topology.nodes().length === count) return;
  for await (const _ of topology.changes()) if (topology.nodes().length === count) return;
}
