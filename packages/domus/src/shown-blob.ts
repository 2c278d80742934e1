/** What a log may show of an end of a blob stream. */
export interface ShownBlob {
  readonly endpoint: string;
  /** The domus at the other end. */
  readonly peer: string;
  /** Bytes that have arrived at the receiving domus. */
  readonly bytes: number;
  readonly state: 'open' | 'ended' | 'failed';
}
