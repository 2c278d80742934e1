/**
 * Requests to etcd's v3 JSON gateway, over `fetch`.
 *
 * 1. A request that cannot reach an endpoint goes on to the next one, each once; the one that answered is asked first from
 *    then on.
 * 2. Each request ends: with its answer, with its time, or with the caller's signal. Answers are bounded.
 * 3. No failure names credentials.
 */
import { DomusError } from '@flaminia/transport-a0';
import type { Timing } from '../host-clock.ts';
import type { EtcdResolved } from './etcd-options.ts';

const ANSWER_MAX_BYTES = 64 * 1024 * 1024;
const LINE_MAX_CHARS = 64 * 1024 * 1024;
/** How the platform's fetch ends an answer of which nothing came for five minutes; a watch without news is such a one. */
const SILENCE = 'UND_ERR_BODY_TIMEOUT';
/** gRPC's code for a token that is missing or has run out. */
const UNAUTHENTICATED = 16;
/** gRPC's code for what is not there. */
const NOT_FOUND = 5;
/** An answer beyond the bound. Every endpoint gives the same, so it counts among what etcd says no with. */
const TOO_LARGE = 'etcd-too-large';

export class EtcdGateway {
  private readonly options: EtcdResolved;
  private readonly timing: Timing;
  private current = 0;
  private token: string | undefined = undefined;

  constructor(options: EtcdResolved, timing: Timing) {
    this.options = options;
    this.timing = timing;
  }

  /** Asks once; fails with `peer-unavailable` where no endpoint answers, and where etcd says no. */
  async call(path: string, body: object, signal: AbortSignal): Promise<JsonObject> {
    return this.withEachEndpoint(signal, async (endpoint) => {
      const limit = this.limited(signal);
      try {
        return checkedAnswer(await readAll(await this.post(endpoint, path, body, limit.signal), limit.signal));
      } catch (error) {
        throw limit.isOver() ? timedOut(endpoint) : error;
      } finally {
        limit.release();
      }
    });
  }

  /** The messages of an answer without an end. It must begin within the time of a request; then it may be silent. */
  async *stream(path: string, body: object, signal: AbortSignal): AsyncGenerator<JsonObject, void, undefined> {
    const lines = await this.withEachEndpoint(signal, async (endpoint) => {
      const limit = this.limited(signal);
      try {
        const messages = readLines(await this.post(endpoint, path, body, limit.signal), limit.signal);
        const first = await messages.next();
        limit.settle();
        return { endpoint, first, messages, release: limit.release };
      } catch (error) {
        limit.release();
        throw limit.isOver() ? timedOut(endpoint) : error;
      }
    });
    try {
      if (lines.first.done !== true) yield checkedAnswer(lines.first.value);
      for await (const line of lines.messages) yield checkedAnswer(line);
    } catch (error) {
      if (codeOf(error) === SILENCE) return;
      throw DomusError.is(error) ? error : lostConnection(error, lines.endpoint);
    } finally {
      await lines.messages.return();
      lines.release();
    }
  }

  private async withEachEndpoint<T>(signal: AbortSignal, attempt: (endpoint: string) => Promise<T>): Promise<T> {
    const { endpoints } = this.options;
    const first = this.current;
    for (let tried = 0; ; tried++) {
      const index = (first + tried) % endpoints.length;
      try {
        const result = await this.withToken(endpoints[index]!, signal, attempt);
        this.current = index;
        return result;
      } catch (error) {
        if (signal.aborted || isRefusal(error) || tried + 1 === endpoints.length)
          throw failureOf(error, endpoints[index]!);
      }
    }
  }

  /** With a token where the options have a name and a password; a token that has run out is replaced once. */
  private async withToken<T>(
    endpoint: string,
    signal: AbortSignal,
    attempt: (endpoint: string) => Promise<T>,
  ): Promise<T> {
    if (this.options.login === undefined) return attempt(endpoint);
    const isNew = this.token === undefined;
    this.token ??= await this.authenticate(endpoint, signal);
    try {
      return await attempt(endpoint);
    } catch (error) {
      if (!isTokenRefused(error)) throw error;
      this.token = undefined;
      if (isNew) throw error;
    }
    this.token = await this.authenticate(endpoint, signal);
    return attempt(endpoint);
  }

  private async authenticate(endpoint: string, signal: AbortSignal): Promise<string> {
    const limit = this.limited(signal);
    try {
      const response = await this.post(endpoint, '/v3/auth/authenticate', this.options.login!, limit.signal);
      const { token } = checkedAnswer(await readAll(response, limit.signal));
      if (typeof token !== 'string') throw new DomusError('peer-unavailable', 'etcd gave no token');
      return token;
    } catch (error) {
      throw limit.isOver() ? timedOut(endpoint) : error;
    } finally {
      limit.release();
    }
  }

  private post(endpoint: string, path: string, body: object, signal: AbortSignal): Promise<Response> {
    const headers: Record<string, string> = { ...this.options.headers, 'content-type': 'application/json' };
    // Requests are seconds apart: a connection that waits for the next one would be a socket left open by `stop`.
    headers.connection = 'close';
    if (this.token !== undefined) headers.authorization = this.token;
    const init = { method: 'POST', headers, body: JSON.stringify(body), signal, redirect: 'error' } as const;
    return this.options.fetch(endpoint + path, init);
  }

  /** A signal that ends with the given one, and when the time of a request is over. */
  private limited(signal: AbortSignal): Limit {
    const { clock } = this.timing;
    const own = new AbortController();
    const abort = (): void => own.abort();
    let isOver = false;
    const timer = clock.startTimer(this.options.requestTimeoutMs, () => {
      isOver = true;
      own.abort();
    });
    const settle = (): void => clock.stopTimer(timer);
    signal.addEventListener('abort', abort, { once: true });
    if (signal.aborted) own.abort();
    return {
      signal: own.signal,
      isOver: () => isOver,
      settle,
      release: () => {
        settle();
        signal.removeEventListener('abort', abort);
        // Lets go of a connection whose answer nobody reads to its end.
        own.abort();
      },
    };
  }
}

export type JsonObject = Readonly<Record<string, unknown>>;

/** What of an answer is an object; an empty one where it is none. */
export function objectOf(value: unknown): JsonObject {
  return typeof value === 'object' && value !== null ? (value as JsonObject) : {};
}

interface Limit {
  readonly signal: AbortSignal;
  isOver(): boolean;
  /** The time is no longer limited. */
  settle(): void;
  release(): void;
}

/** What etcd says no with: asking another endpoint would not help. */
function isRefusal(error: unknown): boolean {
  return DomusError.is(error) && error.detail?.startsWith('etcd-') === true;
}

/** Whether etcd says that what was asked for is not there. */
export function isNotFound(error: unknown): boolean {
  return DomusError.is(error) && error.detail === `etcd-${NOT_FOUND}`;
}

/** Whether the answer was too large to be read. */
export function isTooLarge(error: unknown): boolean {
  return DomusError.is(error) && error.detail === TOO_LARGE;
}

function isTokenRefused(error: unknown): boolean {
  return DomusError.is(error) && error.detail === `etcd-${UNAUTHENTICATED}`;
}

/** Throws for an error of etcd, which comes as the answer or as a message of a stream. */
function checkedAnswer(text: string): JsonObject {
  let answer: JsonObject;
  try {
    answer = objectOf(JSON.parse(text));
  } catch {
    throw new DomusError('peer-unavailable', 'what answered is no etcd');
  }
  if (answer.error === undefined) return answer;
  const { message, code, grpc_code: grpcCode } = { ...answer, ...objectOf(answer.error) };
  const said = typeof message === 'string' ? message : typeof answer.error === 'string' ? answer.error : 'no reason';
  const number = typeof grpcCode === 'number' ? grpcCode : code;
  // What has no leader, is starting or stopping is not etcd's last word: another endpoint may do better.
  const isFinal = typeof number === 'number' && ![1, 4, 13, 14].includes(number);
  const kind = /invalid auth token|auth store is old/.test(said) ? UNAUTHENTICATED : number;
  throw new DomusError(
    'peer-unavailable',
    `etcd says: ${said.slice(0, 200)}`,
    isFinal ? { detail: `etcd-${kind}` } : {},
  );
}

async function readAll(response: Response, signal: AbortSignal): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of chunksOf(response, signal)) {
    bytes += chunk.length;
    if (bytes > ANSWER_MAX_BYTES) {
      throw new DomusError('peer-unavailable', 'an answer of etcd is too large', { detail: TOO_LARGE });
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}

async function* readLines(response: Response, signal: AbortSignal): AsyncGenerator<string, void, undefined> {
  const decoder = new TextDecoder();
  let rest = '';
  for await (const chunk of chunksOf(response, signal)) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split('\n');
    rest = lines.pop()!;
    if (rest.length > LINE_MAX_CHARS) throw new DomusError('peer-unavailable', 'a message of etcd is too large');
    for (const line of lines) if (line !== '') yield line;
  }
  if (rest !== '') yield rest;
}

/**
 * The bytes of an answer until its end or that of the signal. The platform's fetch holds a signal weakly once the headers
 * have come: after a garbage collection only a cancelled body ends the connection.
 */
async function* chunksOf(response: Response, signal: AbortSignal): AsyncGenerator<Uint8Array, void, undefined> {
  if (response.body === null) return;
  const reader = response.body.getReader();
  const cancel = (): void => void reader.cancel().catch(() => undefined);
  signal.addEventListener('abort', cancel, { once: true });
  if (signal.aborted) cancel();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      yield value;
    }
  } finally {
    signal.removeEventListener('abort', cancel);
    cancel();
  }
}

function timedOut(endpoint: string): DomusError {
  return new DomusError('peer-unavailable', `${endpoint} did not answer in time`);
}

function failureOf(error: unknown, endpoint: string): DomusError {
  if (DomusError.is(error)) return error;
  const text = `${endpoint} cannot be reached: ${codeOf(error) ?? 'no connection'}`;
  return new DomusError('peer-unavailable', text, { cause: error });
}

function lostConnection(error: unknown, endpoint: string): DomusError {
  return new DomusError('peer-unavailable', `the connection to ${endpoint} was lost`, { cause: error });
}

/** The platform's fetch puts the error that has a code below one that has none. */
function codeOf(error: unknown): string | undefined {
  return (error as { readonly cause?: NodeJS.ErrnoException } | undefined)?.cause?.code;
}
