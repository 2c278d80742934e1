import { connect } from 'node:net';
import { outOfRange } from '@flaminia/transport-a0';
import type { HealthCheck } from '../health-check.ts';

/** Passes where a TCP connection to host and port can be made; it is closed at once. */
export function tcpCheck(target: { readonly host: string; readonly port: number }): HealthCheck {
  const { host, port } = (target ?? {}) as Partial<typeof target>;
  if (typeof host !== 'string' || host === '') throw outOfRange('host', 'a name or an ip', host);
  if (!Number.isInteger(port) || port! < 1 || port! > 65_535) throw outOfRange('port', 'an integer, 1 to 65535', port);
  return (signal) =>
    new Promise<void>((resolve, reject) => {
      const socket = connect({ host, port: port!, signal });
      socket.on('error', reject);
      socket.on('connect', () => {
        socket.destroy();
        resolve();
      });
    });
}
