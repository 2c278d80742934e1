/**
 * The acks that a blob callis has carried while another was active. They may be lost with it although the chunks that they
 * answer came over the other, and no sender repeats a chunk whose callis lives: so they are said again.
 *
 * 1. The newest ids are kept, as many as the windows of 64 streams of 1024 chunks hold; an ack that is said twice does nothing.
 */
const FIRST_SLOTS = 256;
const MOST_SLOTS = 1 << 16;

export class AckTrail {
  private ids: Uint32Array = new Uint32Array(FIRST_SLOTS);
  private count = 0;

  note(id: number): void {
    if (this.count === this.ids.length && this.count < MOST_SLOTS) {
      const wider = new Uint32Array(this.count * 2);
      wider.set(this.ids);
      this.ids = wider;
    }
    this.ids[this.count++ % this.ids.length] = id;
  }

  /** Tells the ids, oldest first. */
  each(told: (id: number) => void): void {
    const { ids, count } = this;
    for (let at = Math.max(0, count - ids.length); at < count; at++) told(ids[at % ids.length]!);
  }
}
