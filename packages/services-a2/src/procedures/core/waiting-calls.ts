/**
 * The calls that wait for a handler, in the order in which they came; those of a choked peer (one with too many answers under
 * way) are passed over. Thousands may wait, and a handler ends in every moment.
 *
 * 1. `take` gives the oldest call whose peer is not choked.
 * 2. In and out, and every `take`, cost the same however many wait: a call that is passed over is set aside with its peer, until
 *    `resume` brings what the peer has there back to its place.
 */

/** Whose calls may be set aside. */
export interface WaitingPeer<Call> {
  /** Its calls that were passed over, the oldest first. */
  aside: WaitingList<Call>;
}

/** A call that can wait. The links belong to the list that it is in. */
export interface WaitingCall<Call> {
  readonly peer: WaitingPeer<Call>;
  /** Rises with each call that comes to wait. */
  order: number;
  waitsIn: WaitingList<Call> | undefined;
  waitBefore: Call | undefined;
  waitAfter: Call | undefined;
}

/** One list of calls, by order. */
export interface WaitingList<Call> {
  first: Call | undefined;
  last: Call | undefined;
}

export function waitingList<Call>(): WaitingList<Call> {
  return { first: undefined, last: undefined };
}

export class WaitingCalls<Call extends WaitingCall<Call>> {
  private readonly ready: WaitingList<Call> = waitingList();
  private came = 0;

  /** Takes in one that does not wait. */
  add(call: Call): void {
    call.order = ++this.came;
    insert(this.ready, call, this.ready.last);
  }

  /** Takes out one, if it waits: true where it did. */
  delete(call: Call): boolean {
    if (call.waitsIn === undefined) return false;
    unlink(call);
    return true;
  }

  /** The oldest whose peer is not choked, which waits no more; undefined where there is none. */
  take(isChoked: (peer: Call['peer']) => boolean): Call | undefined {
    for (let call = this.ready.first; call !== undefined; call = this.ready.first) {
      unlink(call);
      const { peer } = call;
      if (!isChoked(peer)) return call;
      insert(peer.aside, call, peer.aside.last);
    }
    return undefined;
  }

  /** A peer is no longer choked. */
  resume({ aside }: Call['peer']): void {
    // Only others that were set aside, and are back, may be older: whatever was behind these has come later.
    let before: Call | undefined;
    for (let call = aside.first; call !== undefined; call = aside.first) {
      unlink(call);
      for (let next = after(this.ready, before); next !== undefined && next.order < call.order; ) {
        before = next;
        next = next.waitAfter;
      }
      insert(this.ready, call, before);
      before = call;
    }
  }
}

function after<Call extends WaitingCall<Call>>(list: WaitingList<Call>, call: Call | undefined): Call | undefined {
  return call === undefined ? list.first : call.waitAfter;
}

/** Behind `before`; as the first where that is undefined. */
function insert<Call extends WaitingCall<Call>>(list: WaitingList<Call>, call: Call, before: Call | undefined): void {
  const next = after(list, before);
  call.waitsIn = list;
  call.waitBefore = before;
  call.waitAfter = next;
  if (before === undefined) list.first = call;
  else before.waitAfter = call;
  if (next === undefined) list.last = call;
  else next.waitBefore = call;
}

function unlink<Call extends WaitingCall<Call>>(call: Call): void {
  const { waitsIn, waitBefore, waitAfter } = call;
  if (waitBefore !== undefined) waitBefore.waitAfter = waitAfter;
  else if (waitsIn !== undefined) waitsIn.first = waitAfter;
  if (waitAfter !== undefined) waitAfter.waitBefore = waitBefore;
  else if (waitsIn !== undefined) waitsIn.last = waitBefore;
  call.waitsIn = undefined;
  call.waitBefore = undefined;
  call.waitAfter = undefined;
}
