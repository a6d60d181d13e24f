// Who runs next: one row of a model at a time, so that a short request is served between two
// windows of a long one.
import { Cancelled } from "./errors";

/** Runs tasks one after the other, in the order in which they were given. */
export class Line {
  private last: Promise<unknown> = Promise.resolve();

  /** Runs a task when all earlier ones have ended. */
  run<T>(task: () => Promise<T>): Promise<T> {
    const result = this.last.then(task);
    this.last = result.catch(() => {});
    return result;
  }
}

/** One request, from its arrival to its reply. */
export class Job {
  private reason: string | null = null;
  private readonly aborter = new AbortController();

  constructor(readonly id: number) {}

  /** Ends a download at once, and everything else at the next row. */
  cancel(reason: string) {
    this.reason ??= reason;
    this.aborter.abort();
  }

  get signal(): AbortSignal {
    return this.aborter.signal;
  }

  /** Throws if the request was cancelled. */
  check() {
    if (this.reason !== null) throw new Cancelled(this.reason);
  }
}

const channel = new MessageChannel();
const waiting: (() => void)[] = [];
channel.port1.onmessage = () => waiting.shift()!();

/** Lets the messages that wait be read; a timer would wait four milliseconds. */
export function yielded(): Promise<void> {
  return new Promise((resolve) => {
    waiting.push(resolve);
    channel.port2.postMessage(null);
  });
}
