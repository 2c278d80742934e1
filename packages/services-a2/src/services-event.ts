/** What the services layer reports, beside what A1 and the domus do: `domus.reporting` shows it in its feeds. */
import type { DomusAddr } from '@flaminia/transport-a0';

/** An event before the facade gives it its time and makes its error JSON-safe. */
export type ServicesEvent =
  /** A verifier refused a call, or a message to a guarded taberna; `procedure` as verifiers see it. */
  | {
      readonly kind: 'call-refused';
      readonly peer: DomusAddr;
      readonly nodeId: string | null;
      readonly procedure: string;
      /** A stable word: `not-allowed`, `no-identity`, `verifier-threw`, `verifier-undecided`. */
      readonly reason: string;
    }
  /** A handler of a procedure threw something that the caller is not told. */
  | {
      readonly kind: 'procedure-failed';
      readonly peer: DomusAddr;
      readonly procedure: string;
      readonly error: unknown;
    }
  /** A provider has failed so often that it gets no calls for a while. */
  | { readonly kind: 'provider-ejected'; readonly peer: DomusAddr; readonly service: string }
  | { readonly kind: 'provider-readmitted'; readonly peer: DomusAddr; readonly service: string }
  /** A source of peers cannot be reached; what it knew stays. */
  | { readonly kind: 'discovery-degraded'; readonly source: string; readonly reason: string }
  | { readonly kind: 'discovery-restored'; readonly source: string }
  /** Two certificates claim one node id. */
  | { readonly kind: 'node-id-clash'; readonly nodeId: string; readonly peer: DomusAddr; readonly other: DomusAddr };
