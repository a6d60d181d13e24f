// Runs a task for the newest input: typing neither waits for the model nor makes a queue for it.

// What runs for longer is for a long text, and is cancelled by a newer input.
const SHORT_MS = 150;

export class Latest<I, R> {
  private waiting: { input: I } | null = null;
  private running: AbortController | null = null;
  private since = 0;
  private stops = 0;

  /**
   * @param start runs the task for an input, until its signal ends it.
   * @param onResult called with each result, the one for the newest input last.
   * @param onError called if the task for the newest input failed.
   */
  constructor(
    private readonly start: (input: I, signal: AbortSignal) => Promise<R>,
    private readonly onResult: (result: R, input: I) => void,
    private readonly onError: (error: unknown) => void,
  ) {}

  /** Runs for this input, at once or as soon as what runs now has ended. */
  run(input: I): void {
    this.waiting = { input };
    const { running } = this;
    if (!running) void this.next();
    else setTimeout(() => running.abort(), this.since + SHORT_MS - performance.now());
  }

  /** Drops what waits and what runs: nothing of it is reported any more. */
  stop(): void {
    this.stops++;
    this.waiting = null;
    this.running?.abort();
  }

  private async next(): Promise<void> {
    while (this.waiting) {
      const { input } = this.waiting;
      const { stops } = this;
      this.waiting = null;
      this.since = performance.now();
      this.running = new AbortController();
      try {
        const result = await this.start(input, this.running.signal);
        if (stops === this.stops) this.onResult(result, input);
      } catch (error) {
        if (stops === this.stops && !this.waiting) this.onError(error);
      }
      this.running = null;
    }
  }
}
