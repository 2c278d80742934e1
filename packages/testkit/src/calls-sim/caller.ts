/** Programs that call: each makes its call as planned, reads its outputs or leaves them, and tells the ledger how it ended. */
import type { CallContext, CallOptions, Client } from '@flaminia/services-a2';
import { DEFAULT_CALL_SETTINGS } from '@flaminia/services-a2/testing';
import type { Random } from '../sim/random.ts';
import { type CallPlan, isRead } from './call-plan.ts';
import { type CallRecord, type Ledger, pauseOf } from './ledger.ts';
import { PieceSource } from './piece-source.ts';
import type { VirtualPort } from './virtual-port.ts';
import { type Piece, piece, type Work } from './work-service.ts';

/** Any method of the client. */
type Method = (input: unknown, options: CallOptions) => unknown;

export class Caller {
  private readonly port: VirtualPort;
  private readonly client: Client<typeof Work>;
  private readonly ledger: Ledger;
  private readonly chance: Random;
  private readonly aborts = new Map<CallRecord, AbortController>();

  constructor(port: VirtualPort, client: Client<typeof Work>, ledger: Ledger, chance: Random) {
    this.port = port;
    this.client = client;
    this.ledger = ledger;
    this.chance = chance;
  }

  /** Makes a call; `parent` is the one that it is part of. */
  call(plan: CallPlan, parent?: CallContext): void {
    const { port, ledger } = this;
    const own = plan.timeoutMs ?? (isRead(plan) ? Number.POSITIVE_INFINITY : DEFAULT_CALL_SETTINGS.callTimeoutMs);
    const left = parent?.deadline === undefined ? own : Math.max(0, parent.deadline - Date.now());
    const record = ledger.begin(plan, port, port.now() + Math.min(own, left), parent?.signal);
    const abort = new AbortController();
    this.aborts.set(record, abort);
    if (plan.abortAfterMs !== undefined) port.after(plan.abortAfterMs, () => this.abort(record));
    const options: CallOptions = {
      metadata: { call: String(plan.id) },
      signal: abort.signal,
      ...(plan.timeoutMs === undefined ? {} : { timeout: plan.timeoutMs }),
      ...(parent === undefined ? {} : { parent }),
    };
    const made = (this.client[plan.procedure] as Method)(this.inputOf(record), options);
    if (isRead(plan)) {
      this.read(record, made as AsyncIterable<Piece>).catch((error: unknown) =>
        this.over(record, () => ledger.failed(record, error)),
      );
    } else {
      (made as Promise<unknown>).then(
        (value) => this.over(record, () => ledger.answered(record, value)),
        (error: unknown) => this.over(record, () => ledger.failed(record, error)),
      );
    }
  }

  /** Gives a call up. */
  abort(record: CallRecord): void {
    if (record.end !== undefined) return;
    record.isAborted = true;
    this.aborts.get(record)?.abort(new Error('given up'));
  }

  /** Gives up all that have no end. */
  abortAll(): void {
    for (const record of this.aborts.keys()) this.abort(record);
  }

  private over(record: CallRecord, tell: () => void): void {
    if (this.port.isGone) return;
    this.aborts.delete(record);
    tell();
  }

  private inputOf(record: CallRecord): unknown {
    const { plan } = record;
    const { id, kind, inputs, inputBytes, isWorthless } = plan;
    if (kind !== 'client-stream' && kind !== 'bidi-stream') {
      return isWorthless ? () => {} : piece(id, 0, inputBytes);
    }
    if (isWorthless) return 7;
    // One of two is no asynchronous iterable.
    if (id % 2 === 0 && inputs.pauseMs === 0 && inputs.end === 'ends') {
      return inputs.sizes.map((bytes, index) => piece(id, index, bytes));
    }
    return new PieceSource(
      {
        call: id,
        plan: inputs,
        failsTold: false,
        pause: (longestMs) => this.pause(longestMs),
        over: (how) => {
          if (how === 'threw') {
            record.haveInputsThrown = true;
            this.ledger.saw('stream of inputs threw');
          }
          if (how === 'ended') this.ledger.saw('stream of inputs sent to its end');
        },
      },
      this.ledger,
    );
  }

  private async read(record: CallRecord, outputs: AsyncIterable<Piece>): Promise<void> {
    const { reading } = record.plan;
    const reader = outputs[Symbol.asyncIterator]();
    for (let index = 0; ; index++) {
      record.isWaiting = false;
      if (index === reading.leavesAfter) {
        this.ledger.saw('outputs left by the reader');
        await reader.return?.();
        this.over(record, () => this.ledger.ended(record, 'left'));
        return;
      }
      if (reading.pauseMs > 0) await this.pause(reading.pauseMs);
      record.waitsSince = this.port.now();
      record.isWaiting = true;
      record.outputsAsked++;
      let step: IteratorResult<Piece>;
      try {
        step = await reader.next();
      } catch (error) {
        if (index > 0) this.ledger.saw('stream cut in the middle');
        throw error;
      }
      if (step.done === true) {
        this.over(record, () => this.ledger.outputsEnded(record, index));
        return;
      }
      this.ledger.piece(record, step.value, index, record.runs[0]?.plan.outputs.sizes[index]);
    }
  }

  private pause(longestMs: number): Promise<void> {
    return new Promise((resolve) => this.port.after(pauseOf(this.chance, longestMs), resolve));
  }
}
