import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Admission, SILENT_MS } from './admission.ts';

class Connection {
  bytesRead = 0;
  destroyed = 0;
  destroy(): void {
    this.destroyed++;
  }
}

/** An admission with a clock of its own. */
function admissionOf(limit: number): { admission: Admission; clock: { now: number; limit: number } } {
  const clock = { now: 1_000, limit };
  return {
    clock,
    admission: new Admission(
      () => clock.limit,
      () => clock.now,
    ),
  };
}

test('[a0-adm-1] [a0-adm-2] no more than the limit are admitted', () => {
  const { admission } = admissionOf(3);
  const permits = Array.from({ length: 5 }, () => admission.admit(new Connection()));
  assert.deepEqual(
    permits.map((permit) => permit !== undefined),
    [true, true, true, false, false],
  );
  assert.equal(admission.held, 3);
  permits[1]?.release();
  assert.ok(admission.admit(new Connection()));
  assert.equal(admission.admit(new Connection()), undefined);
});

test('[a0-adm-4] a permit counts until its first release, and once', () => {
  const { admission } = admissionOf(2);
  const [first, second] = [admission.admit(new Connection()), admission.admit(new Connection())];
  for (let round = 0; round < 3; round++) first?.release();
  assert.equal(admission.held, 1);
  admission.admit(new Connection());
  first?.release();
  assert.equal(admission.held, 2);
  second?.release();
  assert.equal(admission.held, 1);
});

test('[a0-adm-3] a connection silent for 250 ms gives its permit up to a new one, oldest first', () => {
  const { admission, clock } = admissionOf(2);
  const [first, second] = [new Connection(), new Connection()];
  const permit = admission.admit(first);
  clock.now += 10;
  admission.admit(second);
  clock.now += SILENT_MS - 11;
  assert.equal(admission.admit(new Connection()), undefined, 'one millisecond early');
  assert.deepEqual([first.destroyed, second.destroyed], [0, 0]);
  clock.now += 1;
  assert.ok(admission.admit(new Connection()));
  assert.deepEqual([first.destroyed, second.destroyed, admission.held], [1, 0, 2]);
  permit?.release();
  assert.equal(admission.held, 2, 'the one that was given up counts no more');
  assert.equal(admission.admit(new Connection()), undefined, 'the second is younger');
  clock.now += 10;
  assert.ok(admission.admit(new Connection()));
  assert.equal(second.destroyed, 1);
});

test('[a0-adm-3] one byte is enough to keep a permit; nobody is ended while permits are free', () => {
  const { admission, clock } = admissionOf(2);
  const [speaking, silent] = [new Connection(), new Connection()];
  admission.admit(speaking);
  admission.admit(silent);
  speaking.bytesRead = 1;
  clock.now += 10 * SILENT_MS;
  assert.equal(silent.destroyed, 0);
  assert.ok(admission.admit(new Connection()));
  assert.deepEqual([speaking.destroyed, silent.destroyed], [0, 1]);
  silent.bytesRead = 1;
  assert.equal(admission.admit(new Connection()), undefined);
});

test('[a0-adm-1] the limit is read anew: a lowered one is met by silent connections, then by refusing', () => {
  const { admission, clock } = admissionOf(4);
  const connections = Array.from({ length: 4 }, () => new Connection());
  for (const connection of connections) admission.admit(connection);
  connections[3]!.bytesRead = 1;
  clock.limit = 2;
  assert.equal(admission.admit(new Connection()), undefined);
  clock.now += SILENT_MS;
  assert.ok(admission.admit(new Connection()));
  assert.deepEqual(
    connections.map((connection) => connection.destroyed),
    [1, 1, 1, 0],
  );
  assert.equal(admission.held, 2);
});
