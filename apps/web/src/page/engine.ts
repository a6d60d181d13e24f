// The worker as the page calls it: one promise for each request of protocol.ts.
import type { Answered, Classified, ModelInfo, Reply, Request, Slot, Tagged } from "../protocol";
import type { Running } from "./latest";

export interface Loaded {
  slot: Slot;
  info: ModelInfo;
}

export type OnProgress = (done: number, total: number) => void;

/** A line for the user: what the worker could not do. */
export class EngineError extends Error {
  constructor(
    message: string,
    readonly cancelled: boolean,
  ) {
    super(message);
  }
}

interface Waiting {
  resolve: (reply: Reply) => void;
  reject: (error: Error) => void;
  onProgress?: OnProgress;
}

// Omit over each member of the union, which Omit alone would merge.
type WithoutId<T> = T extends unknown ? Omit<T, "id"> : never;

export class Engine {
  private readonly waiting = new Map<number, Waiting>();
  private lastId = 0;
  private broken: EngineError | null = null;

  constructor(private readonly worker: Worker) {
    worker.onmessage = (event: MessageEvent<Reply>) => this.take(event.data);
    worker.onerror = (event) => {
      event.preventDefault();
      this.fail(`the part that runs models has stopped: ${event.message || "it did not start"}`);
    };
    worker.onmessageerror = () => this.fail("an answer of the model could not be read");
  }

  /** Opens a model of the app's own folder. */
  load(slot: Slot, url: string, onProgress: OnProgress): Running<Loaded> {
    return this.ask({ kind: "load", slot, url }, loadedOf, { onProgress });
  }

  /** Opens a file of the user; its task decides the tab. */
  open(file: ArrayBuffer, onProgress: OnProgress): Running<Loaded> {
    return this.ask({ kind: "load", slot: "dropped", file }, loadedOf, {
      onProgress,
      transfer: [file],
    });
  }

  classify(text: string, textB?: string): Running<Classified> {
    return this.ask({ kind: "classify", text, textB }, (reply) =>
      reply.kind === "classified" ? reply.result : null,
    );
  }

  answer(question: string, passage: string, onProgress: OnProgress): Running<Answered> {
    const resultOf = (reply: Reply) => (reply.kind === "answered" ? reply.result : null);
    return this.ask({ kind: "answer", question, passage }, resultOf, { onProgress });
  }

  tag(text: string): Running<Tagged> {
    return this.ask({ kind: "tag", text }, (reply) =>
      reply.kind === "tagged" ? reply.result : null,
    );
  }

  private ask<T>(
    request: WithoutId<Request>,
    resultOf: (reply: Reply) => T | null,
    options: { onProgress?: OnProgress; transfer?: Transferable[] } = {},
  ): Running<T> {
    const id = ++this.lastId;
    const result = new Promise<Reply>((resolve, reject) => {
      if (this.broken) return reject(this.broken);
      this.waiting.set(id, { resolve, reject, onProgress: options.onProgress });
      this.worker.postMessage({ ...request, id }, options.transfer ?? []);
    }).then((reply) => {
      const found = resultOf(reply);
      if (found === null) throw new EngineError(`an unexpected reply: ${reply.kind}`, false);
      return found;
    });
    const cancel = () => {
      if (this.waiting.has(id))
        this.worker.postMessage({ id: ++this.lastId, kind: "cancel", target: id });
    };
    return { result, cancel };
  }

  private take(reply: Reply): void {
    const waiting = this.waiting.get(reply.id);
    if (!waiting) return;
    if (reply.kind === "progress") return waiting.onProgress?.(reply.done, reply.total);
    this.waiting.delete(reply.id);
    if (reply.kind !== "error") return waiting.resolve(reply);
    if (reply.isFault) console.warn(`keras-bert: ${reply.message}`);
    waiting.reject(new EngineError(reply.message, reply.cancelled));
  }

  private fail(message: string): void {
    this.broken = new EngineError(message, false);
    for (const { reject } of this.waiting.values()) reject(this.broken);
    this.waiting.clear();
  }
}

function loadedOf(reply: Reply): Loaded | null {
  return reply.kind === "loaded" ? { slot: reply.slot, info: reply.info } : null;
}

/** One line about an error, for the user; "" for what the user cancelled. */
export function lineOf(error: unknown): string {
  if (error instanceof EngineError) return error.cancelled ? "" : sentence(error.message);
  return sentence(error instanceof Error ? error.message : String(error));
}

function sentence(message: string): string {
  const line = message.replace(/\s+/g, " ").trim();
  const text = line.charAt(0).toUpperCase() + line.slice(1);
  return /[.!?]$/.test(text) ? text : `${text}.`;
}
