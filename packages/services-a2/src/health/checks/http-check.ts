import { type ClientRequest, type IncomingMessage, type RequestOptions, request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';
import { type OptionNames, optionsOf, outOfRange } from '@flaminia/transport-a0';
import type { HealthCheck } from '../health-check.ts';

/** How `httpCheck` asks, and what it takes for well. */
export interface HttpCheckOptions {
  /** The status codes that pass: one, several, or a question about one. Default: 200 to 299. Redirects are not followed. */
  readonly expect?: number | readonly number[] | ((status: number) => boolean);
  /** Default `GET`. */
  readonly method?: 'GET' | 'HEAD';
  readonly headers?: Readonly<Record<string, string>>;
  /** Authorities for https, in PEM; default: those of Node. */
  readonly ca?: string | readonly string[];
}

const NAMES: OptionNames<HttpCheckOptions> = { expect: true, method: true, headers: true, ca: true };

/** Passes where an http or https URL answers with an expected status. Each run makes a connection of its own; the body is not read. */
export function httpCheck(url: string | URL, options: HttpCheckOptions = {}): HealthCheck {
  const target = requireUrl(url);
  const isExpected = expectation(optionsOf('httpCheck', options, NAMES).expect);
  const { method = 'GET', headers, ca } = options;
  if (method !== 'GET' && method !== 'HEAD') throw outOfRange('method', 'GET or HEAD', method);
  // No agent: a check that shares connections would not see that new ones fail.
  const settings: RequestOptions = { method, agent: false, ...(headers === undefined ? {} : { headers }) };
  const send = (signal: AbortSignal, hear: (response: IncomingMessage) => void): ClientRequest => {
    if (target.protocol === 'http:') return requestHttp(target, { ...settings, signal }, hear);
    const trust = ca === undefined ? {} : { ca: typeof ca === 'string' ? ca : [...ca] };
    return requestHttps(target, { ...settings, ...trust, signal }, hear);
  };
  return (signal) =>
    new Promise<void>((resolve, reject) => {
      const hear = (response: IncomingMessage): void => {
        const status = response.statusCode ?? 0;
        // The answer is in the status; a body may be endless.
        request.destroy();
        try {
          if (isExpected(status)) resolve();
          else reject(new Error(`answered ${status}`));
        } catch (error) {
          reject(error);
        }
      };
      const request = send(signal, hear);
      // A 101 comes as this event alone, and its connection is the request's no more.
      request.on('upgrade', (response, socket) => {
        socket.destroy();
        hear(response);
      });
      request.on('error', reject);
      // Whatever ends the connection ends the run: the board begins no other before.
      request.on('close', () => reject(new Error('closed without an answer')));
      request.end();
    });
}

function requireUrl(given: string | URL): URL {
  const url = URL.canParse(String(given)) ? new URL(given) : undefined;
  if (url?.protocol === 'http:' || url?.protocol === 'https:') return url;
  // Its text may hold a password.
  throw outOfRange('url', 'an http or https URL', typeof given);
}

function expectation(expect: HttpCheckOptions['expect']): (status: number) => boolean {
  if (expect === undefined) return (status) => status >= 200 && status <= 299;
  if (typeof expect === 'function') return (status) => expect(status) === true;
  const statuses: readonly number[] = typeof expect === 'number' ? [expect] : Array.from(expect);
  const isStatus = (code: unknown) => Number.isInteger(code) && (code as number) >= 100 && (code as number) <= 599;
  if (statuses.length === 0 || !statuses.every(isStatus)) {
    throw outOfRange('expect', 'status codes, 100 to 599, or a function', statuses.join(', '));
  }
  return (status) => statuses.includes(status);
}
