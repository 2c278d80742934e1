/**
 * The one place that knows every layer: builds the backend of A0 and the delivery of A1 for a domus, and joins them.
 */
import { randomBytes } from 'node:crypto';
import {
  type Clock,
  type CoreEvent,
  Delivery,
  type DeliverySettings,
  type RequestOrigin,
  type Sender,
  systemClock,
} from '@flaminia/delivery-a1/internal';
import type { Caller } from '@flaminia/services-a2';
import {
  CertificateVerifier,
  callerFrom,
  certificateSigner,
  DeliveryPort,
  type RecordSigner,
  type RecordVerifier,
  unsignedRecords,
} from '@flaminia/services-a2/internal';
import type { DomusAddr, PeerIdentity } from '@flaminia/transport-a0';
import {
  type A0Limits,
  type Backend,
  type BackendEvents,
  type MemoryNetwork,
  TcpBackend,
  UnixBackend,
} from '@flaminia/transport-a0/internal';
import type { DomusConfig } from './config.ts';
import { logWriter } from './diagnostics.ts';
import { LimitedLog } from './limited-log.ts';
import type { LiveAuth } from './live-auth.ts';
import type { LiveConfig } from './live-config.ts';
import type { LogEntry } from './options.ts';
import { reportedError } from './reporting.ts';
import { Reports } from './reports.ts';
import type { RouteResolver } from './resolver.ts';
import { callerOfSender } from './sender.ts';

/** What a domus is made of. */
export interface DomusParts {
  readonly address: DomusAddr;
  readonly config: LiveConfig;
  readonly delivery: Delivery;
  readonly backend: Backend;
  readonly reports: Reports;
  readonly resolver: RouteResolver | undefined;
  /** The certificates in force; a domus in memory has none. */
  readonly auth: LiveAuth | undefined;
  /** What the services layer sees of A1. */
  readonly port: DeliveryPort;
  /** How records of the topology are signed here, and how those of others are judged. */
  readonly records: RecordSigning;
}

/** Signing and judging of records, by the certificates in force. */
export interface RecordSigning {
  readonly signer: RecordSigner;
  readonly verifier: RecordVerifier;
  onSigner(listener: (signer: RecordSigner) => void): () => void;
}

/** What every wiring needs. */
export interface WiringOptions {
  readonly address: DomusAddr;
  readonly config: LiveConfig;
  readonly resolver: RouteResolver | undefined;
  readonly log: ((entry: LogEntry) => void) | undefined;
  /** Default: the system's. */
  readonly clock: Clock | undefined;
  /** A random u32; default: the system's. */
  readonly random: (() => number) | undefined;
  /** Off only in tests and measurements (a1-delivery, nudge). */
  readonly nudge: boolean;
  /** How long new calles wait for a peer that may be a Rust one (a1-blobs); 0 in memory, where none can be. */
  readonly blobProofMs: number;
}

/**
 * A domus over real sockets: TCP with mutual TLS, or Unix sockets, by the kind of its address. Throws `invalid-config`
 * for material that TLS does not take. From here on `auth` is watched: who fails to open the domus closes it.
 */
export function wireSockets(options: WiringOptions, auth: LiveAuth, listen: string | undefined): DomusParts {
  const { address, config } = options;
  const isTcp = address.startsWith('tcp:');
  const { backend, ...joined } = join(
    options,
    () => auth.self,
    (events, nextSequence) => {
      const common = {
        address,
        limits: () => (isTcp ? tcpLimits(config.current) : unixLimits(config.current)),
        material: () => auth.material,
        nextSequence,
        events,
      };
      if (!isTcp) return new UnixBackend(common);
      return new TcpBackend(listen === undefined ? common : { ...common, listen });
    },
  );
  const { delivery, reports } = joined;
  auth.begin({
    clock: delivery.clock,
    prepare: (material) => backend.prepare(material),
    reloaded: () => reports.report({ kind: 'auth-reloaded' }),
    reloadFailed: (error) => reports.report({ kind: 'auth-reload-failed', error: reportedError(error) }),
  });
  return { ...joined, backend, auth, records: recordsOf(auth) };
}

/** A domus of an in-memory imperium. */
export function wireMemory(options: WiringOptions, network: MemoryNetwork, self: PeerIdentity): DomusParts {
  const caller = callerFrom(self);
  const joined = join(
    options,
    () => caller,
    (events, nextSequence) => {
      const { nodeId, nodeType } = self;
      return network.backend({ address: options.address, nodeId, nodeType, events, nextSequence });
    },
  );
  return { ...joined, auth: undefined, records: { ...unsignedRecords, onSigner: () => () => {} } };
}

/** Joins a backend with delivery, reports and the configuration in force. */
function join<B extends Backend>(
  options: WiringOptions,
  self: () => Caller,
  makeBackend: (events: BackendEvents, nextSequence: () => number) => B,
): Omit<DomusParts, 'auth' | 'records'> & { readonly backend: B } {
  const { address, config, resolver } = options;
  const clock = options.clock ?? systemClock;
  const reports = new Reports(address);
  const log = new LimitedLog(logWriter(address, options.log), () => clock.now());
  const onEvent = (event: CoreEvent): void => {
    if (event.kind === 'limited-log') log.note(event.id, event.address, config.current.limitedLogInterval);
    else reports.reportCore(event);
    port.note(event);
  };
  const settings = deliverySettings(config.current, options);
  const random = options.random ?? systemRandom;
  const delivery = new Delivery({ address, settings, clock, random, onEvent });
  const port = new DeliveryPort({
    delivery,
    random,
    self,
    callerOf: (origin) => callerOf(origin, self),
    report: (event) => reports.reportServices(event),
  });
  const events: BackendEvents = {
    accepted: (stream) => delivery.accept(stream),
    inboundFailed: ({ remote, error }) =>
      reports.report({ kind: 'inbound-handshake-failed', remote, error: reportedError(error) }),
    admissionRefused: () => log.note(1001, undefined, config.current.limitedLogInterval),
    listenerFailed: (error) => reports.report({ kind: 'listener-failed', error: reportedError(error) }),
  };
  const backend = makeBackend(events, () => delivery.core.nextSequence());
  delivery.useBackend(backend);
  config.onUpdate((current) => {
    delivery.updateSettings(deliverySettings(current, options));
    reports.report({ kind: 'config-reloaded' });
  });
  return { address, config, delivery, backend, reports, resolver, port };
}

function recordsOf(auth: LiveAuth): RecordSigning {
  return {
    get signer() {
      return certificateSigner(auth.material);
    },
    verifier: new CertificateVerifier(() => auth.material.ca),
    onSigner: (listener) => auth.onReload(() => listener(certificateSigner(auth.material))),
  };
}

/** Who sent a request: a peer, as its certificate says, or this domus itself. */
function callerOf(origin: RequestOrigin, self: () => Caller): Caller {
  return origin.sender === undefined ? self() : callerOfSender(origin.sender as Sender);
}

/** A random u32 of the system. */
function systemRandom(): number {
  return randomBytes(4).readUInt32BE();
}

/** From this size on a chunk comes in few pieces: streams cut what they read at 16 KiB (TLS) or 64 KiB. */
const BLOB_PIECES_FROM_BYTES = 16 * 1024;

/** Three writes of blob streams: one is under way, and more wait for their turn. */
const BLOB_WAITING_BYTES = 384 * 1024;

function deliverySettings(config: DomusConfig, { nudge, blobProofMs }: WiringOptions): DeliverySettings {
  return Object.freeze({
    sendQueueSize: config.sendQueueSize,
    sendQueueBytes: config.sendQueueBytes,
    sendTimeoutMs: config.sendTimeout,
    callisConnectTimeoutMs: config.callisConnectTimeout,
    acceptTimeoutMs: config.acceptTimeout,
    tabernaAcceptQueueSize: config.tabernaAcceptQueueSize,
    tabernaAcceptQueueBytes: config.tabernaAcceptQueueBytes,
    keepaliveIntervalMs: config.keepaliveInterval,
    listenerDelayMs: config.listenerDelay,
    listenerReconnectTimeoutMs: config.listenerReconnectTimeout,
    reconnectBackoffMs: config.reconnectBackoff,
    inboundHandshakeLimitPerPeer: config.inboundHandshakeLimitPerPeer,
    maxParallelCallisPerPeer: config.maxParallelCallisPerPeer,
    maxPayloadLen: config.maxPayloadLen,
    blobChunkBytes: config.blobWindow.chunkSize,
    blobWindow: config.blobWindow.ackWindow,
    blobOutboundBufferBytes: config.blobOutboundBufferBytes,
    blobInboundBufferBytes: config.blobInboundBufferBytes,
    blobProofMs,
    blobPiecesFromBytes: BLOB_PIECES_FROM_BYTES,
    blobWaitingBytes: BLOB_WAITING_BYTES,
    nudge,
  });
}

function tcpLimits(config: DomusConfig): A0Limits {
  return {
    handshakeTimeoutMs: config.tcpHandshakeTimeout,
    callbackTimeoutMs: config.tcpCallbackTimeout,
    inboundHandshakeLimitTotal: config.inboundHandshakeLimitTotal,
  };
}

function unixLimits(config: DomusConfig): A0Limits {
  return {
    handshakeTimeoutMs: config.socketHandshakeTimeout,
    callbackTimeoutMs: config.socketCallbackTimeout,
    inboundHandshakeLimitTotal: config.inboundHandshakeLimitTotal,
  };
}
