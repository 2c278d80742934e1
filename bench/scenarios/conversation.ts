/** What a scenario and its processes say to each other over the IPC channel: commands one way, one answer to each. */
import type { BlobWindow } from '@flaminia/domus';
import type { DomusAddr } from '@flaminia/transport-a0';
import type { Side } from '../credentials.ts';

/** A command to a node in a process of its own. */
export type NodeCommand =
  /** Joins; with `provides` it also offers the service that `load` calls. */
  | {
      readonly kind: 'open';
      readonly side: Side;
      readonly seeds: readonly DomusAddr[];
      readonly provides: boolean;
      /** The default where absent. */
      readonly blobWindow?: BlobWindow;
    }
  /** Answers once so many nodes are listed, itself included. */
  | { readonly kind: 'list'; readonly nodes: number }
  | { readonly kind: 'cpu' }
  /** Accepts streams from now on, and reads none. */
  | { readonly kind: 'hold' }
  /** Opens so many streams more to a node that holds them; answers once none takes another byte. */
  | { readonly kind: 'fill'; readonly to: DomusAddr; readonly streams: number }
  | { readonly kind: 'memory' }
  /** Waits for so many providers, then calls them. */
  | { readonly kind: 'load'; readonly providers: number; readonly load: Load };

/** Calls at a fixed rate, whether or not those before have been answered. Times are milliseconds. */
export interface Load {
  readonly perSecond: number;
  /** Calls before the count begins. */
  readonly warmUpMs: number;
  readonly durationMs: number;
  /** The process that is killed, and when in the count. */
  readonly victim: { readonly pid: number; readonly atMs: number };
}

/** What became of the calls of a load, in the order in which they were due. */
export interface LoadResult {
  /** From when a call was due to its answer, in milliseconds. */
  readonly latenciesMs: Float64Array;
  /** Codes of the calls that failed. */
  readonly failures: readonly string[];
}

/** What a node answers. */
export type NodeAnswer =
  | { readonly kind: 'open' }
  /** `atMs`: when the last of them was listed, by the clock of the machine. */
  | { readonly kind: 'listed'; readonly atMs: number }
  | { readonly kind: 'cpu'; readonly cpuMs: number; readonly atMs: number }
  | { readonly kind: 'holding' }
  | { readonly kind: 'filled' }
  /** Of the heap and of buffers, behind a collection. */
  | { readonly kind: 'memory'; readonly bytes: number }
  | { readonly kind: 'loaded'; readonly result: LoadResult }
  | { readonly kind: 'failed'; readonly reason: string };
