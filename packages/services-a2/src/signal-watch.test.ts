import assert from 'node:assert/strict';
import { getEventListeners } from 'node:events';
import { test } from 'node:test';
import { SignalWatch } from './signal-watch.ts';

/** Notes the reason that it was told. */
function abortable() {
  const reasons: unknown[] = [];
  return { reasons, aborted: (reason: unknown) => void reasons.push(reason) };
}

test('all who watch one signal share a listener, which goes with the last of them', () => {
  const signals = new SignalWatch();
  const { signal } = new AbortController();
  const [first, second] = [abortable(), abortable()];
  signals.add(signal, first);
  signals.add(signal, second);
  assert.equal(getEventListeners(signal, 'abort').length, 1);
  signals.delete(signal, first);
  assert.equal(getEventListeners(signal, 'abort').length, 1);
  signals.delete(signal, second);
  signals.delete(signal, second);
  assert.equal(getEventListeners(signal, 'abort').length, 0);
});

test('an abort is told to each who watches, with its reason', () => {
  const signals = new SignalWatch();
  const controller = new AbortController();
  const [first, second] = [abortable(), abortable()];
  for (const each of [first, second]) signals.add(controller.signal, each);
  signals.delete(controller.signal, first);
  controller.abort('enough');
  assert.deepEqual([first.reasons, second.reasons], [[], ['enough']]);
});

test('one that ends another by its own end spares it the abort', () => {
  const signals = new SignalWatch();
  const controller = new AbortController();
  const second = abortable();
  signals.add(controller.signal, { aborted: () => signals.delete(controller.signal, second) });
  signals.add(controller.signal, second);
  controller.abort('enough');
  assert.deepEqual(second.reasons, []);
});

test('what is no signal leaves no watch behind: it fails again, and at once', () => {
  const signals = new SignalWatch();
  const none = { aborted: false } as AbortSignal;
  for (let time = 0; time < 2; time++) assert.throws(() => signals.add(none, abortable()), TypeError);
  signals.delete(none, abortable());
});
