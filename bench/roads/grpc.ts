/**
 * What a user would take instead of a unary call: grpc-js over the same mutual TLS. Bytes go as they are, without protobuf, which
 * spares it what a typed message costs.
 */

import { parseAddress } from '@flaminia/transport-a0';
import { Client, credentials, Server, ServerCredentials, type ServiceDefinition } from '@grpc/grpc-js';
import type { Side } from '../credentials.ts';
import type { Receiving, Road, Run, Sending } from '../road.ts';
import type { Tally } from '../tally.ts';

export const grpc: Road = { receive, send };

const PATH = '/bench.v1/echo';
/** An IP address is no server name, and grpc-js would send it as one. */
const SERVER_NAME = 'bench';

const asSent = (bytes: Uint8Array): Buffer => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
const asReceived = (bytes: Buffer): Uint8Array => bytes;

const ECHO: ServiceDefinition = {
  echo: {
    path: PATH,
    requestStream: false,
    responseStream: false,
    requestSerialize: asSent,
    requestDeserialize: asReceived,
    responseSerialize: asSent,
    responseDeserialize: asReceived,
  },
};

async function receive({ receiver }: Run): Promise<Receiving> {
  const { ca, key, cert } = certificatesOf(receiver);
  const server = new Server();
  server.addService(ECHO, {
    echo: (call: { readonly request: Uint8Array }, answer: (error: null, value: Uint8Array) => void) =>
      answer(null, call.request),
  });
  const secured = ServerCredentials.createSsl(ca, [{ private_key: key, cert_chain: cert }], true);
  await new Promise<void>((resolve, reject) => {
    server.bindAsync(endOf(receiver), secured, (error) => (error === null ? resolve() : reject(error)));
  });
  return {
    close: async () => {
      server.forceShutdown();
    },
  };
}

async function send(run: Run, tally: Tally): Promise<Sending> {
  const { ca, key, cert } = certificatesOf(run.sender);
  const secured = credentials.createSsl(ca, key, cert, { checkServerIdentity: () => undefined });
  const client = new Client(endOf(run.receiver), secured, { 'grpc.ssl_target_name_override': SERVER_NAME });
  const payload = Buffer.alloc(run.plan.payloadBytes, 7);
  const echo = (): Promise<Uint8Array> =>
    new Promise((resolve, reject) => {
      client.makeUnaryRequest(PATH, asSent, asReceived, payload, (error, value) =>
        error === null ? resolve(value!) : reject(error),
      );
    });
  await echo();
  let open = true;
  const loop = async (): Promise<void> => {
    while (open) {
      await echo();
      tally.add(1);
    }
  };
  const loops = Array.from({ length: run.plan.depth }, () => loop());
  return {
    agreed: '',
    close: async () => {
      open = false;
      await Promise.all(loops);
      client.close();
    },
  };
}

function certificatesOf({ auth }: Side): { readonly ca: Buffer; readonly key: Buffer; readonly cert: Buffer } {
  return { ca: pem(auth.ca), key: pem(auth.key), cert: pem(auth.cert) };
}

function pem(text: string | readonly string[]): Buffer {
  return Buffer.from([text].flat().join('\n'));
}

function endOf({ address }: Side): string {
  const parsed = parseAddress(address);
  if (parsed.kind !== 'tcp') throw new Error('grpc is measured over TLS only');
  return `${parsed.ip}:${parsed.port}`;
}
