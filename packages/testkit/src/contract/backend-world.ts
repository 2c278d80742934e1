/** What the contract suite of backends asks of the place where it runs: addresses and backends of one kind. */
import type { DomusAddr } from '@flaminia/transport-a0';
import type { Backend, BackendOptions } from '@flaminia/transport-a0/internal';

/** One kind of backend with whatever it needs (an authority, a folder, a network). Tests run one after the other. */
export interface BackendWorld {
  /** An address that nobody has listened at. */
  freeAddress(): Promise<DomusAddr>;
  /** A backend that does not listen yet, with limits that no test comes near. */
  backend(seat: BackendSeat): Promise<Backend>;
  /** An address of another kind than this world's, where kinds exist. */
  readonly foreignAddress?: DomusAddr;
  /** Gives back what the world holds. */
  close(): Promise<void>;
}

/** Who a backend is for. */
export interface BackendSeat extends Pick<BackendOptions, 'address' | 'nextSequence' | 'events'> {
  readonly nodeId: string;
  readonly nodeType: string;
}
