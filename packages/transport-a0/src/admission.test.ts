import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Admission, GRACE_MS, SHORT_GRACE_MS } from './admission.ts';

class Connection {
  bytesRead = 0;
  destroyed = 0;
  readonly remoteAddress: string | undefined;
  constructor(remoteAddress?: string) {
    this.remoteAddress = remoteAddress;
  }
  destroy(): void {
    this.destroyed++;
  }
}

/** An admission with a clock of its own. */
function admissionOf(limit: number, afterReading: (then: () => void) => void = (then) => then()) {
  const clock = { now: 1_000, limit };
  const admission = new Admission(
    () => clock.limit,
    () => clock.now,
    afterReading,
  );
  return { clock, admission };
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
  const [first, second] = [new Connection('192.0.2.1'), new Connection('192.0.2.2')];
  const permit = admission.admit(first);
  clock.now += 10;
  admission.admit(second);
  clock.now += GRACE_MS - 11;
  assert.equal(admission.admit(new Connection('192.0.2.3')), undefined, 'one millisecond early');
  assert.deepEqual([first.destroyed, second.destroyed], [0, 0]);
  clock.now += 1;
  assert.ok(admission.admit(new Connection('192.0.2.3')));
  assert.deepEqual([first.destroyed, second.destroyed, admission.held], [1, 0, 2]);
  permit?.release();
  assert.equal(admission.held, 2, 'the one that was given up counts no more');
  assert.equal(admission.admit(new Connection('192.0.2.3')), undefined, 'the second is younger');
  clock.now += 10;
  assert.ok(admission.admit(new Connection('192.0.2.3')));
  assert.equal(second.destroyed, 1);
});

test('[a0-adm-3] one byte is enough to keep a permit; nobody is ended while permits are free', () => {
  const { admission, clock } = admissionOf(2);
  const [speaking, silent] = [new Connection(), new Connection()];
  admission.admit(speaking);
  admission.admit(silent);
  speaking.bytesRead = 1;
  clock.now += 10 * GRACE_MS;
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
  clock.now += GRACE_MS;
  assert.ok(admission.admit(new Connection()));
  assert.deepEqual(
    connections.map((connection) => connection.destroyed),
    [1, 1, 1, 0],
  );
  assert.equal(admission.held, 2);
});

/** Connections from this source that have spoken and are admitted. */
function speakers(admission: Admission, count: number, source?: string): Connection[] {
  return Array.from({ length: count }, () => {
    const connection = new Connection(source);
    assert.ok(admission.admit(connection));
    connection.bytesRead = 1;
    return connection;
  });
}

test('[a0-adm-11] a source with more than a quarter of the permits loses its oldest to one with less than a quarter', () => {
  const { admission, clock } = admissionOf(8);
  const [first, second, ...others] = speakers(admission, 5, '192.0.2.1');
  const modest = speakers(admission, 3, '192.0.2.2');
  clock.now += GRACE_MS - 1;
  assert.equal(admission.admit(new Connection('192.0.2.3')), undefined, 'one millisecond early');
  clock.now += 1;
  assert.ok(admission.admit(new Connection('192.0.2.3')));
  assert.ok(admission.admit(new Connection('192.0.2.3')));
  assert.equal(admission.admit(new Connection('192.0.2.3')), undefined, 'it has its share');
  assert.deepEqual([first?.destroyed, second?.destroyed, admission.held], [1, 1, 8]);
  assert.ok([...others, ...modest].every(({ destroyed }) => destroyed === 0));
});

test('[a0-adm-11] nobody loses a permit where no source has more than a quarter, or to the source that has the most', () => {
  const { admission, clock } = admissionOf(8);
  const standing = [1, 2, 3, 4].flatMap((host) => speakers(admission, 2, `192.0.2.${host}`));
  clock.now += 10 * GRACE_MS;
  assert.equal(admission.admit(new Connection('192.0.2.5')), undefined);
  assert.ok(standing.every(({ destroyed }) => destroyed === 0));

  const alone = admissionOf(4);
  speakers(alone.admission, 4, '192.0.2.1');
  alone.clock.now += 10 * GRACE_MS;
  assert.equal(alone.admission.admit(new Connection('192.0.2.1')), undefined);
  assert.equal(alone.admission.admit(new Connection()), undefined, 'without a source there is no share');
});

test('[a0-adm-12] of a source that has more than a quarter, silent ones give way after 50 ms, and at once to one that has less', () => {
  const { admission, clock } = admissionOf(4);
  const flood = Array.from({ length: 4 }, () => new Connection('192.0.2.1'));
  for (const connection of flood) admission.admit(connection);
  clock.now += SHORT_GRACE_MS - 1;
  assert.equal(admission.admit(new Connection('192.0.2.1')), undefined, 'one millisecond early');
  assert.ok(admission.admit(new Connection('192.0.2.2')));
  clock.now += 1;
  assert.ok(admission.admit(new Connection('192.0.2.1')));
  assert.deepEqual(
    flood.map(({ destroyed }) => destroyed),
    [1, 1, 0, 0],
  );
  const sockets = admissionOf(2);
  const [first] = [new Connection(), new Connection()].filter((connection) => sockets.admission.admit(connection));
  sockets.clock.now += SHORT_GRACE_MS;
  assert.ok(sockets.admission.admit(new Connection()), 'all of a Unix socket are one source');
  assert.equal(first?.destroyed, 1);
});

test('[a0-adm-12] nobody counts as silent before all sockets have been read', () => {
  const unread: (() => void)[] = [];
  const { admission, clock } = admissionOf(2, (then) => unread.push(then));
  const flood = [new Connection('192.0.2.1'), new Connection('192.0.2.1')];
  for (const connection of flood) admission.admit(connection);
  clock.now += SHORT_GRACE_MS;
  for (const source of ['192.0.2.1', '192.0.2.2']) assert.equal(admission.admit(new Connection(source)), undefined);
  for (const then of unread.splice(0)) then();
  assert.ok(admission.admit(new Connection('192.0.2.2')));
  assert.equal(flood[0]?.destroyed, 1);
});

test('[a0-adm-11] however few permits there are, a source keeps one', () => {
  for (const limit of [1, 2, 3]) {
    const { admission, clock } = admissionOf(limit);
    const speaking = Array.from({ length: limit }, (_, i) => new Connection(`10.0.0.${i}`));
    for (const connection of speaking) {
      connection.bytesRead = 1;
      assert.ok(admission.admit(connection));
    }
    clock.now += 10 * GRACE_MS;
    assert.equal(admission.admit(new Connection('10.0.1.1')), undefined);
    assert.ok(speaking.every(({ destroyed }) => destroyed === 0));
  }
});

test('[a0-adm-11] a /64 of IPv6 is one source; a mapped IPv4 address is one by itself', () => {
  const sources: [held: string, newcomer: string, isOther: boolean][] = [
    ['2001:db8:1:2::1', '2001:db8:1:2:3:4:5:6', false],
    ['2001:db8::1', '2001:db8:0:0:9::', false],
    ['2001:db8::1', '2001:db8:0:1::1', true],
    ['2001:db8::3:4:5:6:7', '2001:db8:0:3::1', false],
    ['2001:db8::3:4:5:6:7', '2001:db8:0:4::1', true],
    ['::1', '1::1', true],
    ['fe80::1%eth0', 'fe80::2%eth0', false],
    ['::ffff:192.0.2.1', '::ffff:192.0.2.2', true],
  ];
  for (const [held, newcomer, isOther] of sources) {
    const { admission, clock } = admissionOf(4);
    speakers(admission, 4, held);
    clock.now += GRACE_MS;
    assert.equal(admission.admit(new Connection(newcomer)) !== undefined, isOther, `${held} and ${newcomer}`);
  }
});
