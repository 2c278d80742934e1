/** The domus of one contract test, over the backend under test, and the ends of the streams between them. */
import assert from 'node:assert/strict';
import type { DomusAddr } from '@flaminia/transport-a0';
import type { AuthenticatedStream, Backend, InboundFailure } from '@flaminia/transport-a0/internal';
import { until } from '../until.ts';
import type { BackendWorld } from './backend-world.ts';
import { StreamEnd } from './stream-end.ts';

/** One backend with a record of what it told. */
export class ContractDomus {
  readonly address: DomusAddr;
  readonly nodeId: string;
  readonly accepted: AuthenticatedStream[] = [];
  readonly failures: InboundFailure[] = [];
  /** Called for each accepted stream; where it is not set, streams wait in `accepted`. */
  onAccepted: (stream: AuthenticatedStream) => void = (stream) => void this.accepted.push(stream);
  refusals = 0;
  backend!: Backend;
  private sequence = 0;

  constructor(address: DomusAddr, nodeId: string) {
    this.address = address;
    this.nodeId = nodeId;
  }

  async open(world: BackendWorld): Promise<void> {
    this.backend = await world.backend({
      address: this.address,
      nodeId: this.nodeId,
      nodeType: 'contract',
      nextSequence: () => ++this.sequence,
      events: {
        accepted: (stream) => this.onAccepted(stream),
        inboundFailed: (failure) => void this.failures.push(failure),
        admissionRefused: () => void this.refusals++,
        listenerFailed: (error) => {
          throw error;
        },
      },
    });
  }

  dial(
    peer: ContractDomus | DomusAddr,
    signal: AbortSignal = new AbortController().signal,
  ): Promise<AuthenticatedStream> {
    return this.backend.dial(typeof peer === 'string' ? peer : peer.address, signal);
  }

  async nextAccepted(): Promise<AuthenticatedStream> {
    await until(() => this.accepted.length > 0, 'an accepted stream');
    return this.accepted.shift()!;
  }
}

/** All that one test opens. `close` ends it, and holds what was seen against the rules that hold in every test. */
export class ContractImperium {
  private readonly world: BackendWorld;
  private readonly domus: ContractDomus[] = [];
  private readonly ends: StreamEnd[] = [];

  constructor(world: BackendWorld) {
    this.world = world;
  }

  /** A domus that does not listen yet; at the address of another one where that is given. */
  async place(address?: DomusAddr): Promise<ContractDomus> {
    const domus = new ContractDomus(address ?? (await this.world.freeAddress()), `node-${this.domus.length}`);
    this.domus.push(domus);
    await domus.open(this.world);
    return domus;
  }

  async listening(): Promise<ContractDomus> {
    const domus = await this.place();
    await domus.backend.listen();
    return domus;
  }

  /** A stream under the eyes of the suite, not started yet. */
  watch(stream: AuthenticatedStream): StreamEnd {
    const end = new StreamEnd(stream);
    this.ends.push(end);
    return end;
  }

  /** Two domus and a stream between them; nobody reads it yet. */
  async join(): Promise<{ a: ContractDomus; b: ContractDomus; dialled: StreamEnd; accepted: StreamEnd }> {
    const [a, b] = [await this.listening(), await this.listening()];
    const dialled = this.watch(await a.dial(b));
    const accepted = this.watch(await b.nextAccepted());
    return { a, b, dialled, accepted };
  }

  /** The same, with both ends read. */
  async connect(): Promise<{ a: ContractDomus; b: ContractDomus; dialled: StreamEnd; accepted: StreamEnd }> {
    const joined = await this.join();
    joined.dialled.start();
    joined.accepted.start();
    return joined;
  }

  async close(): Promise<void> {
    for (const { backend } of this.domus) await backend?.close();
    for (const stream of this.domus.flatMap(({ accepted }) => accepted)) stream.destroy();
    for (const end of this.ends) end.destroy();
    await until(() => this.ends.every((end) => end.isOver), 'the end of every stream');
    for (const end of this.ends) {
      assert.deepEqual(end.breaches, []);
      assert.ok(end.closes.length <= 1, 'closed is told once');
    }
  }
}
