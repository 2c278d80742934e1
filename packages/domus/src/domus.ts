/**
 * Domus (node): the facade of the fabric. It checks arguments, joins codecs, routes and delivery, and decides nothing
 * about the protocol. `open.ts` makes one.
 *
 * Long on purpose: all that an application may ask of a domus stands in one class.
 *
 * 1. Every promise that it gives settles, at the latest with the shutdown.
 * 2. After `shutdown` has begun, new work fails with `domus-closed`.
 */
import { type InspectOptions, inspect } from 'node:util';
import type { Delivery, RequestOrigin } from '@flaminia/delivery-a1/internal';
import type { Caller } from '@flaminia/services-a2';
import {
  type DeliveryPort,
  type ImperiumHost,
  type PeerVerifier,
  requireSignal,
  requireVerifier,
  type TabernaToAnnounce,
  watchedSignals,
} from '@flaminia/services-a2/internal';
import { type DomusAddr, DomusError, optionsOf, outOfRange } from '@flaminia/transport-a0';
import { dropPromise } from '@flaminia/transport-a0/internal';
import type { AuthSource } from './auth-sources.ts';
import { BlobOpening } from './blob-opening.ts';
import type { BlobReceiver } from './blob-receiver.ts';
import type { BlobSender } from './blob-sender.ts';
import type { EncodedMessage } from './codec.ts';
import type { DomusConfig } from './config.ts';
import type { AnyEndpoint, BlobEndpoint, Endpoint } from './endpoint.ts';
import { endpointText, type TabernaRef, tabernaRef } from './endpoint-text.ts';
import { guardName, type Inlet, type InletEndpoint } from './inlet.ts';
import { isSendableMessageType, messageTypeText } from './message-type.ts';
import { openDomus } from './open.ts';
import {
  type DomusOptions,
  RELOAD_OPTIONS,
  type ReloadOptions,
  SEND_BLOB_OPTIONS,
  SEND_OPTIONS,
  SERVE_OPTIONS,
  type SendBlobOptions,
  type SendOptions,
  type ServeOptions,
  SHUTDOWN_OPTIONS,
  type ShutdownOptions,
  TABERNA_OPTIONS,
  type TabernaOptions,
} from './options.ts';
import { PendingSend, PendingSends } from './pending-send.ts';
import { type Reporting, reportedError } from './reporting.ts';
import type { Reports } from './reports.ts';
import { Router } from './router.ts';
import { type MessageHandler, type Serving, ServingLoop } from './serving.ts';
import { HandTaberna, type Taberna } from './taberna.ts';
import type { DomusParts } from './wiring.ts';

const DEFAULT_CONCURRENCY = 64;
const MAX_CONCURRENCY = 65_536;
const DEFAULT_DRAIN_MS = 5_000;
const MAX_DRAIN_MS = 300_000;

/** The settings of a running domus. */
export interface DomusConfigAccess {
  /** The settings in force, complete and frozen. */
  snapshot(): DomusConfig;
  /**
   * Changes the given fields while the domus runs, and returns the settings then in force (config, live updates). They
   * are checked as those of `Domus.open`: one that does not fit is `invalid-config`, naming field, range and value, and
   * then nothing has changed. A `config-reloaded` event follows. `domus-closed` after a shutdown.
   */
  update(partial: Partial<DomusConfig>): DomusConfig;
}

type Life =
  | { readonly kind: 'open' }
  | { readonly kind: 'closing'; readonly done: Promise<void>; readonly cut: AbortController };

/**
 * A domus (node) of the imperium (fabric): sends messages and streams of bytes, takes those of others, and tells what happens.
 * Made by {@link Domus.open}; ended by {@link shutdown}, which `await using` calls too.
 */
export class Domus implements AsyncDisposable {
  /** The canonical address: the identity of this domus. */
  readonly address: DomusAddr;
  /** The settings in force, and how to change them. */
  readonly config: DomusConfigAccess;
  /** @internal */
  readonly delivery: Delivery;
  private readonly parts: DomusParts;
  private readonly router: Router;
  private readonly sends: PendingSends;
  private readonly reports: Reports;
  private readonly inlets = new Set<Inlet<unknown, unknown>>();
  private readonly inletListeners = new Set<() => void>();
  private readonly endListeners = new Set<() => void>();
  private life: Life = { kind: 'open' };
  private isOver = false;
  private handlersUnderWay = 0;

  /**
   * Opens a domus: loads its certificates, binds its address, and accepts peers from then on.
   *
   * Rejects with `invalid-config` (address, material or setting; the text names it), `address-mismatch` (the leaf does
   * not name the address) or `bind-failed`.
   */
  static open(options: DomusOptions): Promise<Domus> {
    return openDomus(options, (parts) => new Domus(parts));
  }

  /** Applications call {@link Domus.open}. */
  constructor(parts: DomusParts) {
    this.parts = parts;
    this.address = parts.address;
    this.delivery = parts.delivery;
    this.reports = parts.reports;
    this.sends = new PendingSends(() => parts.delivery.measuredNow(), parts.reports.latency);
    this.router = new Router(parts.delivery, parts.resolver);
    this.reports.observe(parts.delivery.core, this.sends.failures, (hi, lo) => this.tabernaName(hi, lo));
    this.config = Object.freeze({
      snapshot: () => parts.config.current,
      update: (partial: Partial<DomusConfig>) => this.updateConfig(partial),
    });
  }

  /** Counters, events and errors, and who is connected. */
  get reporting(): Reporting {
    return this.reports;
  }

  /**
   * Sends a message. Resolves when the far handler has accepted it; rejects with exactly one {@link DomusError}, whose
   * `delivery` tells whether the message may have been handled (a1-delivery, what a send means).
   */
  send<Sent>(endpoint: Endpoint<Sent, unknown>, message: Sent, options?: SendOptions): Promise<void> {
    let encoded: EncodedMessage;
    let to: DomusAddr | undefined;
    const signal = options?.signal;
    try {
      if (endpoint?.kind !== 'message') requireEndpoint(endpoint, 'message');
      if (this.life.kind !== 'open') throw this.closedError(endpoint);
      if (signal !== undefined) requireSignal(signal);
      encoded = this.encode(endpoint, message);
      if (options !== undefined) to = this.destination(optionsOf('send', options, SEND_OPTIONS));
    } catch (error) {
      return Promise.reject(error as Error);
    }
    if (signal?.aborted === true) return Promise.reject(signal.reason as Error);
    const now = this.delivery.now();
    const pending = new PendingSend(this.sends, endpoint as AnyEndpoint, now, signal);
    const promise = pending.promise();
    const deadline = now + this.delivery.core.settings.sendTimeoutMs;
    this.router.route(endpoint as AnyEndpoint, encoded, deadline, options?.whenFull === 'wait', pending, to, now);
    return promise;
  }

  /**
   * Sends a message that opens a stream of bytes. Resolves with its writing end once the far handler has accepted and the
   * stream is ready; rejects as {@link send} does, or with `blob-buffer-full`. The signal covers the stream's whole life: its
   * abort ends the waiting, or destroys the stream (a1-blobs, life of a stream).
   */
  async sendBlob<Sent>(
    endpoint: BlobEndpoint<Sent, unknown>,
    message: Sent,
    options: SendBlobOptions = {},
  ): Promise<BlobSender> {
    requireEndpoint(endpoint, 'blob');
    if (this.life.kind !== 'open') throw this.closedError(endpoint);
    const { signal, to } = optionsOf('sendBlob', options, SEND_BLOB_OPTIONS);
    requireSignal(signal);
    const encoded = this.encode(endpoint, message);
    const address = to === undefined ? undefined : this.router.canonicalAddress(to);
    if (signal?.aborted === true) throw signal.reason;
    const now = this.delivery.now();
    const opening = new BlobOpening(this.delivery, endpoint as AnyEndpoint, this.sends, signal);
    const deadline = now + this.delivery.core.settings.sendTimeoutMs;
    this.router.route(endpoint as AnyEndpoint, encoded, deadline, false, opening.blob, address, now);
    return opening.opened;
  }

  /**
   * Serves an endpoint with a handler: its return accepts the message, its throw rejects it and is reported as a
   * `handler-failed` event. On a blob endpoint the first read of `request.blob` accepts, and a handler that returns without having
   * decided or looked at `request.blob` gives the stream up. Rejects with `taberna-already-registered`.
   */
  serve<Received>(
    endpoint: Endpoint<never, Received>,
    handler: MessageHandler<Received>,
    options?: ServeOptions,
  ): Promise<Serving>;
  serve<Received>(
    endpoint: BlobEndpoint<never, Received>,
    handler: MessageHandler<Received, BlobReceiver>,
    options?: ServeOptions,
  ): Promise<Serving>;
  async serve<Received>(
    endpoint: InletEndpoint<Received>,
    handler: MessageHandler<Received, never>,
    options: ServeOptions = {},
  ): Promise<Serving> {
    const { concurrency = DEFAULT_CONCURRENCY, signal } = optionsOf('serve', options, SERVE_OPTIONS);
    if (!Number.isInteger(concurrency) || concurrency < 1 || concurrency > MAX_CONCURRENCY) {
      throw outOfRange('concurrency', `an integer, 1 to ${MAX_CONCURRENCY}`, concurrency);
    }
    if (typeof handler !== 'function') throw outOfRange('handler', 'a function', handler);
    this.mayRegister(endpoint, signal);
    return new ServingLoop<Received, never>(endpoint, handler, concurrency, this, signal, guardOf(options));
  }

  /** Opens an endpoint to be read by hand. Rejects with `taberna-already-registered`. */
  taberna<Received>(endpoint: Endpoint<never, Received>, options?: TabernaOptions): Promise<Taberna<Received>>;
  taberna<Received>(
    endpoint: BlobEndpoint<never, Received>,
    options?: TabernaOptions,
  ): Promise<Taberna<Received, BlobReceiver>>;
  async taberna<Received>(
    endpoint: InletEndpoint<Received>,
    options: TabernaOptions = {},
  ): Promise<Taberna<Received, never>> {
    this.mayRegister(endpoint, optionsOf('taberna', options, TABERNA_OPTIONS).signal);
    return new HandTaberna<Received, never>(endpoint, this, options.signal, guardOf(options));
  }

  /**
   * Rotates certificates and key (a0-transport, rotation): connections made from now on use the new material in both
   * roles; those that stand live on, and a handshake under way ends with what it began with. `auth` is anything that
   * `Domus.open` takes, and takes the place of the source given there; without it that source, a function, is asked again.
   *
   * Resolves once the new material is in force; an `auth-reloaded` event follows. Rejects with `invalid-config` (the text
   * names the part) or `address-mismatch`, and then nothing has changed. Calls are carried out one after the other.
   * `unsupported` in an imperium in memory, which has no certificates.
   */
  async reloadAuth(auth?: AuthSource, options: ReloadOptions = {}): Promise<void> {
    if (this.life.kind !== 'open') throw this.closedError();
    const { signal } = optionsOf('reloadAuth', options, RELOAD_OPTIONS);
    // It is joined with another, as only Node's own can be.
    const isSignal = signal === undefined || signal instanceof AbortSignal;
    if (!isSignal) throw outOfRange('signal', 'an AbortSignal', signal);
    if (this.parts.auth !== undefined) return this.parts.auth.reload(auth, signal);
    throw new DomusError('unsupported', 'an imperium in memory has no certificates');
  }

  /**
   * Shuts down gracefully (a1-delivery, closing): refuses new work, gives sends and handlers under way `drainTimeout`
   * milliseconds to end, fails the rest with `domus-closed`, and closes every connection. Idempotent: a later call waits
   * for the same end, and its signal cuts it short.
   */
  async shutdown(options: ShutdownOptions = {}): Promise<void> {
    const { drainTimeout = DEFAULT_DRAIN_MS, signal } = optionsOf('shutdown', options, SHUTDOWN_OPTIONS);
    if (!(typeof drainTimeout === 'number' && drainTimeout >= 0 && drainTimeout <= MAX_DRAIN_MS)) {
      throw outOfRange('drainTimeout', `0 to ${MAX_DRAIN_MS} ms`, drainTimeout);
    }
    requireSignal(signal);
    if (this.life.kind === 'open') {
      const cut = new AbortController();
      this.life = { kind: 'closing', cut, done: this.close(drainTimeout, cut.signal) };
    }
    const { cut, done } = this.life;
    if (signal === undefined) return done;
    const abortable = { aborted: () => cut.abort() };
    if (signal.aborted) cut.abort();
    else watchedSignals.add(signal, abortable);
    return done.finally(() => watchedSignals.delete(signal, abortable));
  }

  /** As {@link shutdown} with its defaults. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.shutdown();
  }

  /** For JSON, and for `console.log`: the address. Everything else is machinery. */
  toJSON(): { readonly address: DomusAddr } {
    return { address: this.address };
  }

  // --- for the inlets --------------------------------------------------------------------------------------------

  /** @internal */
  get port(): DeliveryPort {
    return this.parts.port;
  }

  /** @internal */
  callerOf(origin: RequestOrigin): Caller {
    return this.parts.port.callerOf(origin);
  }

  /** @internal */
  inletOpened(inlet: Inlet<unknown, unknown>): void {
    this.inlets.add(inlet);
    for (const listener of this.inletListeners) listener();
  }

  /** @internal */
  inletClosed(inlet: Inlet<unknown, unknown>): void {
    this.inlets.delete(inlet);
    for (const listener of this.inletListeners) listener();
  }

  /** @internal */
  onEnd(listener: () => void): () => void {
    if (this.isOver) listener();
    else this.endListeners.add(listener);
    return () => void this.endListeners.delete(listener);
  }

  /** @internal */
  messageRefused(endpoint: AnyEndpoint, caller: Caller, reason: string): void {
    const { address: peer, nodeId } = caller;
    this.reports.report({ kind: 'call-refused', peer, nodeId, procedure: guardName(endpoint), reason });
  }

  /** @internal What the services layer needs to join its imperium with this domus. */
  imperiumHost(): ImperiumHost {
    const { port, records } = this.parts;
    if (this.life.kind !== 'open') throw this.closedError();
    return {
      port,
      signer: records.signer,
      verifier: records.verifier,
      onSigner: (listener) => records.onSigner(listener),
      tabernae: () => [...this.inlets].map(({ endpoint }) => tabernaToAnnounce(endpoint)),
      onTabernae: (listener) => {
        this.inletListeners.add(listener);
        return () => this.inletListeners.delete(listener);
      },
      useResolver: (resolver) => this.router.useLast(resolver),
      onEnd: (listener) => this.onEnd(listener),
    };
  }

  /** @internal */
  handlerGoesOn(): void {
    this.handlersUnderWay++;
  }

  /** @internal */
  handlerEnded(): void {
    this.handlersUnderWay--;
    if (this.life.kind === 'closing') this.delivery.lookAgain();
  }

  /** @internal */
  handlerFailed(endpoint: AnyEndpoint, error: unknown): void {
    this.reports.report({ kind: 'handler-failed', taberna: tabernaRef(endpoint), error: reportedError(error) });
  }

  /** @internal */
  requestForgotten(endpoint: AnyEndpoint): void {
    this.handlerFailed(
      endpoint,
      new DomusError('invalid-state', 'a request was forgotten without a decision, and rejected'),
    );
  }

  // --- small steps -----------------------------------------------------------------------------------------------

  private destination({ to, whenFull }: SendOptions): DomusAddr | undefined {
    if (whenFull !== undefined && whenFull !== 'fail' && whenFull !== 'wait') {
      throw outOfRange('whenFull', "'fail' or 'wait'", whenFull);
    }
    return to === undefined ? undefined : this.router.canonicalAddress(to);
  }

  private encode<Sent>(endpoint: Endpoint<Sent, unknown> | BlobEndpoint<Sent, unknown>, message: Sent): EncodedMessage {
    let encoded: EncodedMessage;
    try {
      encoded = endpoint.codec.encode(message);
    } catch (error) {
      // The texts of the ready-made codecs show nothing of the message; those of others might.
      const ours = DomusError.is(error) && error.kind === 'encode-failure';
      if (ours) throw this.encodeError(endpoint, plainText(error), error.detail ?? 'codec-refused', error.cause);
      throw this.encodeError(endpoint, 'the codec could not encode the message', 'codec-threw', error);
    }
    if (!(encoded?.payload instanceof Uint8Array)) {
      if (dropPromise(encoded)) {
        const text = 'the codec is asynchronous, and messages are encoded at once';
        throw this.encodeError(endpoint, text, 'codec-asynchronous');
      }
      throw this.encodeError(endpoint, 'the codec gave no Uint8Array as payload', 'not-bytes');
    }
    const { type, payload } = encoded;
    if (!isSendableMessageType(type)) {
      const shown = typeof type === 'number' ? messageTypeText(type) : typeof type;
      throw this.encodeError(endpoint, `an application may not send messages of type ${shown}`, 'message-type');
    }
    const { maxPayloadLen } = this.delivery.core.settings;
    if (payload.length > maxPayloadLen) {
      const text = `the payload of ${payload.length} bytes is over maxPayloadLen (${maxPayloadLen})`;
      throw this.encodeError(endpoint, text, 'payload-too-large');
    }
    return encoded;
  }

  private encodeError(endpoint: AnyEndpoint, text: string, detail: string, cause?: unknown): DomusError {
    return new DomusError('encode-failure', text, { endpoint: endpointText(endpoint), detail, cause });
  }

  private closedError(endpoint?: AnyEndpoint): DomusError {
    const concerned = endpoint === undefined ? {} : { endpoint: endpointText(endpoint) };
    return new DomusError('domus-closed', 'the domus was shut down', concerned);
  }

  private updateConfig(partial: Partial<DomusConfig>): DomusConfig {
    if (this.life.kind !== 'open') throw this.closedError();
    return this.parts.config.update(partial);
  }

  private mayRegister(endpoint: AnyEndpoint, signal: AbortSignal | undefined): void {
    requireEndpoint(endpoint, undefined);
    requireSignal(signal);
    if (signal?.aborted === true) throw signal.reason;
    if (this.life.kind !== 'open') throw this.closedError(endpoint);
  }

  private tabernaName(hi: number, lo: number): TabernaRef {
    const owner = this.delivery.core.registry.find(hi, lo)?.owner as { readonly endpoint?: AnyEndpoint } | undefined;
    return tabernaRef(owner?.endpoint ?? { idHi: hi, idLo: lo, name: undefined });
  }

  private async close(drainTimeout: number, cut: AbortSignal): Promise<void> {
    this.reports.report({ kind: 'shutdown-started' });
    this.parts.auth?.close();
    for (const inlet of [...this.inlets]) inlet.domusClosed();
    // Deliveries to this domus itself and sends that wait for a route end without a flush of their own.
    this.sends.onOutcome = () => this.delivery.lookAgain();
    await this.delivery.drain(drainTimeout, cut, () => !this.router.isBusy && this.handlersUnderWay === 0);
    this.router.close();
    // Not before: own sends under way may have to dial, and a peer that is dialled calls back (A0).
    await this.parts.backend.close();
    await this.delivery.close(cut);
    this.sends.onOutcome = undefined;
    this.reports.report({ kind: 'shutdown-complete' });
    this.reports.close();
    this.isOver = true;
    for (const listener of this.endListeners) listener();
  }
}

// Not a method: isolated declarations know no computed names.
Object.defineProperty(Domus.prototype, inspect.custom, {
  value(this: Domus, _depth: number, options: InspectOptions): string {
    return `Domus ${inspect(this.toJSON(), options)}`;
  },
});

/** The verifier of a taberna, if it has one; `invalid-config` for what is none. */
function guardOf({ verifier }: { readonly verifier?: PeerVerifier }): PeerVerifier | undefined {
  return verifier === undefined ? undefined : requireVerifier('verifier', verifier);
}

function tabernaToAnnounce({ id, name }: AnyEndpoint): TabernaToAnnounce {
  return name === undefined ? { id } : { id, name };
}

/** What only a program without a type check can get wrong. */
function requireEndpoint(endpoint: AnyEndpoint, kind: AnyEndpoint['kind'] | undefined): void {
  const given = typeof endpoint === 'object' && endpoint !== null ? endpoint.kind : undefined;
  if (kind === undefined ? given === 'message' || given === 'blob' : given === kind) return;
  const makers = { message: 'endpoint()', blob: 'blobEndpoint()' };
  throw outOfRange(
    'endpoint',
    `one that ${kind === undefined ? 'endpoint() or blobEndpoint()' : makers[kind]} made`,
    endpoint,
  );
}

/** The text of an error without the word for its kind. */
function plainText(error: DomusError): string {
  return error.message.slice(error.kind.length + 2);
}
