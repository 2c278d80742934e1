/** Where a request came from, and so where its answer goes: a peer session, or this domus itself. */
export interface RequestOrigin {
  /** Canonical address of the sender. */
  readonly address: string;
  /** For the driver: who sends now. A request keeps what it finds here; undefined for this domus itself. */
  readonly sender?: unknown;
  /**
   * Answers a request: error id 0 accepts it. Returns false when the answer can no longer count: it was given before,
   * or the session has ended or restarted since (a1-delivery, inbound messages).
   */
  decide(epoch: number, id: number, errorId: number, text: string, now: number): boolean;
}
