/** Credit as both ends count it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Inflow, Outflow } from './flow.ts';

test('[proc-flow-5] a sender is open while any credit is left, and what is too much is owed', () => {
  const flow = new Outflow(10);
  flow.spend(9);
  assert.equal(flow.isOpen, true);
  flow.spend(100);
  assert.equal(flow.isOpen, false);
  assert.equal(flow.grant(99), false);
  assert.equal(flow.grant(1), true);
  assert.equal(flow.grant(1), false, 'it was open');
});

test('[proc-flow-6] credit adds up to 2^53 - 1 and no further', () => {
  const flow = new Outflow(Number.MAX_SAFE_INTEGER);
  flow.grant(Number.MAX_SAFE_INTEGER);
  flow.spend(Number.MAX_SAFE_INTEGER - 1);
  assert.equal(flow.isOpen, true);
  flow.spend(1);
  assert.equal(flow.isOpen, false);
});

test('[proc-flow-5] [proc-flow-6] a receiver takes what there is credit for, and gives back half windows', () => {
  const flow = new Inflow(100, 100);
  assert.equal(flow.due(), 0);
  assert.equal(flow.arrived(99), true);
  assert.equal(flow.arrived(500), true);
  assert.equal(flow.arrived(1), false);
  flow.taken(49);
  assert.equal(flow.due(), 0);
  flow.taken(1);
  assert.equal(flow.due(), 50);
  assert.equal(flow.due(), 0);
  assert.equal(flow.arrived(1), false, 'still owed more than was given');
});

test('[proc-flow-4] what the window has beyond the first credit is due at once', () => {
  assert.equal(new Inflow(262_144, 65_536).due(), 196_608);
  assert.equal(new Inflow(65_536, 65_536).due(), 0);
});
