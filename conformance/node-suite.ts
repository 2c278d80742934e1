/**
 * The cases against the domus of this project, for `npm test`. Those that are derived from tables run over one transport
 * each, in turn: `npm run conformance` plays all over both.
 */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { BY_HAND, GENERATED } from './cases/all.ts';
import { TRANSPORTS, type Transport } from './ground.ts';
import { NODE } from './node-implementation.ts';
import { Theatre } from './theatre.ts';

/** Cases that are played at once. */
const PARALLEL = 12;

/** Defines a test for each case. */
export function describeNode(transport: Transport): void {
  const turn = TRANSPORTS.indexOf(transport);
  const generated = GENERATED.filter((_, index) => index % TRANSPORTS.length === turn);
  describe(`conformance over ${transport}`, { concurrency: PARALLEL }, () => {
    let theatre: Theatre;
    before(async () => {
      theatre = await Theatre.open(NODE);
    });
    after(() => theatre.close());

    for (const conformanceCase of [...BY_HAND, ...generated]) {
      const { id, clauses, title, transports } = conformanceCase;
      if (transports?.includes(transport) === false) continue;
      test(`${clauses} ${id}: ${title}`, async () => {
        assert.deepEqual(await theatre.play(conformanceCase, transport), { kind: 'conforms' });
      });
    }
  });
}
