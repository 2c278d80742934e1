/** What a case can wait for: frames and ends of its calles, and connections that the implementation has made. */
import type { AuthenticatedStream } from '@flaminia/transport-a0/internal';
import { EventBacklog } from '../interop/event-backlog.ts';
import { KEEPALIVE } from './frames.ts';
import { PATIENCE_MS } from './patience.ts';
import type { CallisEvent, RawCallis } from './raw-callis.ts';
import { receivedText } from './received-frame.ts';

/** A connection that the implementation has made. */
export interface Connection {
  readonly kind: 'connection';
  readonly stream: AuthenticatedStream;
}

export type Happening = CallisEvent | Connection;

export class Happenings {
  readonly #backlog = new EventBacklog<Happening>('the implementation', happeningText);

  add(happening: Happening): void {
    this.#backlog.add(happening);
  }

  /** The next frame or end on one of these calles. Keepalives, which may come at any time, only where they are wanted. */
  onCallis(calles: readonly RawCallis[], wanted: string, keepalives: boolean): Promise<CallisEvent> {
    const isOnCallis = (happening: Happening): happening is CallisEvent => {
      if (happening.kind === 'connection' || !calles.includes(happening.callis)) return false;
      return keepalives || happening.kind === 'end' || happening.frame.type !== KEEPALIVE;
    };
    return this.#backlog.next(wanted, isOnCallis, PATIENCE_MS);
  }

  /** The next connection that the implementation makes. */
  connection(): Promise<Connection> {
    const isConnection = (happening: Happening): happening is Connection => happening.kind === 'connection';
    return this.#backlog.next('connection', isConnection, PATIENCE_MS);
  }

  /** Takes what nobody has waited for. */
  rest(): readonly Happening[] {
    return this.#backlog.drain();
  }

  /** Nothing will come any more. */
  end(): void {
    this.#backlog.end(new Error('the case is over'));
  }
}

export function happeningText(happening: Happening): string {
  if (happening.kind === 'connection') return 'a connection';
  return happening.kind === 'end' ? 'the end' : receivedText(happening.frame);
}
