/** What a domus may hold while it lives: read from its counters, not from memory. */
import assert from 'node:assert/strict';
import type { Domus } from '../src/domus.ts';

/** Fails where a queue or a reservation is over its setting. */
export function assertWithinBounds(domus: Domus): void {
  const config = domus.config.snapshot();
  const { core } = domus.delivery;
  for (const { answers, retained } of core.peers.values()) {
    assert.ok(retained.a3.count <= config.sendQueueSize, `${retained.a3.count} messages in a lane`);
    // Acks and errors together.
    assert.ok(answers.waiting <= Math.max(config.sendQueueSize * 18, 8_192), `${answers.waiting} answers`);
  }
  assert.ok(core.blobsOut.reserved <= config.blobOutboundBufferBytes, `${core.blobsOut.reserved} bytes reserved, out`);
  assert.ok(core.blobsIn.reserved <= config.blobInboundBufferBytes, `${core.blobsIn.reserved} bytes reserved, in`);
  const { ingress } = domus.reporting.snapshot().queues;
  // Two tabernae at most in these tests.
  assert.ok(ingress.messages <= 2 * config.tabernaAcceptQueueSize, `${ingress.messages} requests wait`);
}
