/** Something to be done once for all that calls for it in a turn of the event loop, at the end of it. */
export class OnceATurn {
  private readonly run: () => void;
  private planned: NodeJS.Immediate | undefined = undefined;

  constructor(run: () => void) {
    this.run = run;
  }

  plan(): void {
    if (this.planned !== undefined) return;
    this.planned = setImmediate(() => {
      this.planned = undefined;
      this.run();
    });
  }

  /** It is not done for what has called for it. */
  cancel(): void {
    clearImmediate(this.planned);
    this.planned = undefined;
  }
}
