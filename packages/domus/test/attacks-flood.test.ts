/** A flood of handshakes that cannot succeed, while honest traffic goes on. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { connect } from 'node:tls';
import { createAuthority, issueAuth } from '@flaminia/certificates';
import { until } from '@flaminia/testkit';
import { type DomusAddr, parseAddress } from '@flaminia/transport-a0';
import type { Domus } from '../src/domus.ts';
import { Numbers } from './memory-bench.ts';
import { SocketImperium } from './socket-imperium.ts';

const ATTEMPTS = 120;
const AT_ONCE = 6;

/** One attempt with a certificate of another authority; resolves when its connection has ended. */
function attempt(target: DomusAddr, shown: { readonly cert: string; readonly key: string }): Promise<void> {
  const { ip, port } = parseAddress(target) as { ip: string; port: number };
  return new Promise((resolve) => {
    const socket = connect({ host: ip, port, rejectUnauthorized: false, ...shown });
    socket.on('error', () => {});
    socket.on('secureConnect', () => socket.write(Buffer.alloc(33, 1)));
    socket.on('close', () => resolve());
    socket.resume();
  });
}

/** One send behind the other. */
class Stream {
  sent = 0;
  private isOver = false;
  private readonly end: Promise<void>;

  constructor(from: Domus, to: Domus) {
    this.end = this.run(from, to.address);
  }

  /** Rejects with the send that failed, if one did. */
  stop(): Promise<void> {
    this.isOver = true;
    return this.end;
  }

  private async run(from: Domus, to: DomusAddr): Promise<void> {
    while (!this.isOver) {
      await from.send(Numbers, this.sent, { to });
      this.sent++;
    }
  }
}

test('[a0-adm-5] [a1-inv-7] [case-92] between any two attempts of a flood from another authority established traffic makes progress, and an honest peer comes in', async (t) => {
  const sockets = new SocketImperium(t, 'tcp');
  const [worker, gateway] = [await sockets.open(), await sockets.open()];
  await worker.serve(Numbers, () => {});
  await gateway.send(Numbers, 0, { to: worker.address });
  const stranger = await createAuthority({ name: 'stranger' });
  const material = await issueAuth({ ca: stranger, nodeId: 'stranger' })(worker.address);
  const traffic = new Stream(gateway, worker);
  let attempts = 0;
  const flood = async (): Promise<void> => {
    while (attempts++ < ATTEMPTS) {
      const { sent } = traffic;
      await attempt(worker.address, material);
      await until(() => traffic.sent > sent, 'a send between two attempts');
    }
  };
  const floods = Array.from({ length: AT_ONCE }, flood);
  const honest = await sockets.open();
  await honest.send(Numbers, 1, { to: worker.address });
  await Promise.all(floods);
  await traffic.stop();
  const { primaryCalles, sends } = worker.reporting.snapshot();
  assert.deepEqual(
    [primaryCalles.opened, primaryCalles.closed, sends.failed],
    [2, 0, {}],
    'no connection of theirs, none lost',
  );
});
