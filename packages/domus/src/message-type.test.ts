import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  A1_MESSAGE_TYPE_MAX,
  A2_MESSAGE_TYPE_BASE,
  A2_MESSAGE_TYPE_MAX,
  A3_MESSAGE_TYPE_BASE,
  A3_MESSAGE_TYPE_MAX_OFFSET,
  a3MessageType,
  classifyMessagePriority,
  isSendableMessageType,
  messageTypeText,
  PROCEDURE_MESSAGE_TYPE_BASE,
  tryA3MessageType,
} from './message-type.ts';

test('[a1-type-1] the three ranges meet without gap or overlap', () => {
  assert.equal(A2_MESSAGE_TYPE_BASE, A1_MESSAGE_TYPE_MAX + 1);
  assert.equal(A3_MESSAGE_TYPE_BASE, A2_MESSAGE_TYPE_MAX + 1);
  assert.equal(A3_MESSAGE_TYPE_BASE + A3_MESSAGE_TYPE_MAX_OFFSET, 0xffff_ffff);
});

test('[a1-type-1] [api-20] the layer of a type changes exactly at the ends of the ranges', () => {
  const table: [number, string][] = [
    [0, 'a1'],
    [0x0000_ffff, 'a1'],
    [0x0001_0000, 'a2'],
    [0x00ff_ffff, 'a2'],
    [0x0100_0000, 'a3'],
    [0xffff_ffff, 'a3'],
  ];
  for (const [type, layer] of table) assert.equal(classifyMessagePriority(type), layer, messageTypeText(type));
});

test('[api-20] a3MessageType counts from 0x01000000 and covers the whole range', () => {
  assert.equal(a3MessageType(0), 0x0100_0000);
  assert.equal(a3MessageType(7), 0x0100_0007);
  assert.equal(a3MessageType(A3_MESSAGE_TYPE_MAX_OFFSET), 0xffff_ffff);
});

test('[api-20] an offset outside the range is invalid-config, and undefined for the asking form', () => {
  for (const offset of [-1, 0.5, Number.NaN, Number.POSITIVE_INFINITY, A3_MESSAGE_TYPE_MAX_OFFSET + 1]) {
    assert.equal(tryA3MessageType(offset), undefined);
    assert.throws(() => a3MessageType(offset), { code: 'invalid-config' });
  }
  assert.throws(() => a3MessageType(-1), /message type offset must be an integer, 0 to 4278190079, got -1/);
});

test('[a1-type-2] applications may send A3 types below the part kept for procedures', () => {
  assert.equal(isSendableMessageType(A3_MESSAGE_TYPE_BASE), true);
  assert.equal(isSendableMessageType(PROCEDURE_MESSAGE_TYPE_BASE - 1), true);
  for (const type of [0, A2_MESSAGE_TYPE_MAX, PROCEDURE_MESSAGE_TYPE_BASE, 0xffff_ffff, 2 ** 32, 0x0100_0000 + 0.5]) {
    assert.equal(isSendableMessageType(type), false, String(type));
  }
});
