// Runs a task for the newest input: typing neither waits for the model nor makes a queue for it.

export interface Running<T> {
  result: Promise<T>;
  /** Asks to end it early; then `result` is rejected. */
  cancel: () => void;
}

// What runs for longer is for a long text, and is cancelled by a newer input.
const SHORT_MS = 150;

export class Latest<I, R> {
  private waiting: { input: I } | null = null;
  private running: Running<R> | null = null;
  private since = 0;
  private stops = 0;

  /**
   * @param start begins the task for an input.
   * @param onResult called with each result, the one for the newest input last.
   * @param onError called if the task for the newest input failed.
   */
  constructor(
    private readonly start: (input: I) => Running<R>,
    private readonly onResult: (result: R, input: I) => void,
    private readonly onError: (error: unknown) => void,
  ) {}

  /** Runs for this input, at once or as soon as what runs now has ended. */
  run(input: I): void {
    this.waiting = { input };
    if (!this.running) void this.next();
    else if (performance.now() - this.since > SHORT_MS) this.running.cancel();
  }

  /** Drops what waits and what runs: nothing of it is reported any more. */
  stop(): void {
    this.stops++;
    this.waiting = null;
    this.running?.cancel();
  }

  private async next(): Promise<void> {
    while (this.waiting) {
      const { input } = this.waiting;
      const { stops } = this;
      this.waiting = null;
      this.since = performance.now();
      try {
        this.running = this.start(input);
        const result = await this.running.result;
        if (stops === this.stops) this.onResult(result, input);
      } catch (error) {
        if (stops === this.stops && !this.waiting) this.onError(error);
      }
      this.running = null;
    }
  }
}
