/** Joins domus of a test over one in-memory network. */
import assert from 'node:assert/strict';
import type { FaultPlan } from '@flaminia/testkit';
import type { Backend, BackendEvents, MemoryNetwork } from '@flaminia/transport-a0/internal';
import type { TestShell } from './test-shell.ts';

/** Gives each domus a listening backend; with a plan, its streams follow that. */
export async function openBackends(
  network: MemoryNetwork,
  shells: readonly TestShell[],
  plan?: FaultPlan,
): Promise<Backend[]> {
  const backends = shells.map(({ delivery }) => {
    const address = delivery.core.address as `tcp://${string}`;
    const nextSequence = (): number => delivery.core.nextSequence();
    const build = (events: BackendEvents): Backend =>
      network.backend({ address, nodeId: null, nodeType: null, nextSequence, events });
    const events: BackendEvents = {
      accepted: (stream) => delivery.accept(stream),
      inboundFailed: () => assert.fail('memory has no handshake'),
      admissionRefused: () => assert.fail('memory has no permits'),
      listenerFailed: () => assert.fail('memory has no listener'),
    };
    const backend = plan === undefined ? build(events) : plan.backend(events, build);
    delivery.useBackend(backend);
    return backend;
  });
  for (const backend of backends) await backend.listen();
  return backends;
}
