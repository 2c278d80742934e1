/** One domus of a recorded conversation, played by the pure machine: bytes in, bytes out, no stream and no timer. */
import assert from 'node:assert/strict';
import type { Callis } from '../src/core/callis.ts';
import { DomusCore } from '../src/core/domus-core.ts';
import type { PeerSession } from '../src/core/peer-session.ts';
import { bytesIn } from '../src/core/receiving.ts';
import { pollWrite } from '../src/core/sending.ts';
import type { CoreEvent, CoreSink, EndManner } from '../src/core/sink.ts';
import type { Taberna } from '../src/core/taberna.ts';
import { WriteBatch } from '../src/wire/encode.ts';
import { KEEPALIVE } from '../src/wire/frame.ts';
import { type Frame, framesOf } from './frame-lines.ts';
import { SETTINGS } from './test-settings.ts';
import { Outcome, PEER } from './test-shell.ts';

/** What the handler of a taberna says to every message: 0 accepts. */
export type Handlers = ReadonlyMap<number, number>;

const BATCH_BYTES = 16 * 1024;

export class CorePlayer implements CoreSink {
  readonly core: DomusCore;
  readonly events: CoreEvent[] = [];
  /** Payloads that handlers have seen, in hex. */
  readonly seen: string[] = [];
  /** Keepalives that were written, which no transcript has. */
  keepalives = 0;
  /** A dial that the machine has asked for and that has not been made. */
  wantsDial = false;
  /** Calles whose stream the machine has ended, and how. */
  readonly ends = new Map<Callis, EndManner>();
  private now = 1000;
  private readonly nudges: boolean;
  private readonly written = new Map<Callis, Frame[]>();
  private readonly withArrivals: Taberna[] = [];
  private readonly batch = new WriteBatch(Buffer.alloc(BATCH_BYTES));

  constructor(nudges: boolean, handlers: Handlers) {
    this.nudges = nudges;
    this.core = new DomusCore({ address: 'tcp://127.0.0.1:1', settings: SETTINGS, sink: this, random: () => 0 });
    for (const [id, answer] of handlers) this.core.register(0, id, answer);
    this.session.retained.nextId = 0; // Where the crate begins.
  }

  get session(): PeerSession {
    return this.core.peer(PEER);
  }

  send(destination: number, msgType: number, payload: Buffer): Outcome {
    const { session } = this;
    const outcome = new Outcome();
    session.send(session.retained.a3, 0, destination, msgType, payload, this.now + 10_000, false, outcome, this.now);
    this.turn();
    return outcome;
  }

  /** A connection has passed A0. */
  connected(dialled: boolean): Callis {
    const { session, nudges, now } = this;
    const callis = dialled
      ? session.dialled('primary', nudges, now)
      : session.accepted(this.core.nextSequence(), nudges, now);
    assert.ok(callis !== undefined, 'the machine wants the connection');
    this.wantsDial = false;
    this.turn();
    return callis;
  }

  bytes(callis: Callis, chunk: Buffer): void {
    bytesIn(this.session, callis, chunk, this.now);
    this.turn();
  }

  down(callis: Callis): void {
    this.session.callisDown(callis, '', this.now);
    this.turn();
  }

  shutDown(): void {
    this.core.endShutdown(this.now);
    this.turn();
  }

  /** The next frame that was written on a callis and is no keepalive. */
  next(callis: Callis): Frame | undefined {
    return this.written.get(callis)?.shift();
  }

  /** Frames that were written and not looked at. */
  get rest(): string[] {
    return [...this.written.values()].flat().map(({ line }) => line);
  }

  private turn(): void {
    this.now++;
    for (let taberna = this.withArrivals.pop(); taberna !== undefined; taberna = this.withArrivals.pop()) {
      taberna.announced = false;
      this.handle(taberna);
    }
    for (const session of this.core.peers.values()) {
      session.flushBegins();
      for (const callis of [...session.calles]) this.write(session, callis);
    }
  }

  private handle(taberna: Taberna): void {
    for (let arrival = taberna.peek(); arrival !== undefined; arrival = taberna.peek()) {
      const { epoch, id, payload } = arrival;
      const origin = arrival.origin!;
      this.seen.push(Buffer.from(payload).toString('hex'));
      taberna.drop();
      assert.equal(origin.decide(epoch, id, taberna.owner as number, 'our own words', this.now), true);
    }
  }

  private write(session: PeerSession, callis: Callis): void {
    for (;;) {
      this.batch.reset();
      pollWrite(session, callis, this.batch, this.now);
      if (this.batch.isEmpty) return;
      for (const frame of framesOf(this.batch.bytes.subarray(0, this.batch.length))) {
        if (frame.msgType === KEEPALIVE) this.keepalives++;
        else this.written.set(callis, [...(this.written.get(callis) ?? []), frame]);
      }
    }
  }

  // --- effects of the machine ------------------------------------------------------------------------------------

  dial(): void {
    this.wantsDial = true;
  }

  cancelDial(): void {
    this.wantsDial = false;
  }

  endCallis(callis: Callis, manner: EndManner): void {
    this.ends.set(callis, manner);
  }

  wantsWrite(): void {}

  blobMoved(): void {}

  arrived(taberna: Taberna): void {
    this.withArrivals.push(taberna);
  }

  forgotten(): void {}

  event(event: CoreEvent): void {
    this.events.push(event);
  }
}
