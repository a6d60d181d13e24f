// The page's side of protocol.ts: requests as promises.
import type {
  Answered,
  Classified,
  ModelInfo,
  Reply,
  Request,
  Slot,
  Tagged,
} from "./protocol";

/** Why a request has no answer: one line for the user. */
export class EngineError extends Error {
  override name = "EngineError";

  constructor(
    message: string,
    /** "input": what was given cannot be used; "cancelled"; "fault": the program's own. */
    readonly kind: "input" | "cancelled" | "fault",
  ) {
    super(message);
  }
}

/** Is told how much is done, of how much; of 0 where that is not known. */
export type OnProgress = (done: number, total: number) => void;

export interface Options {
  /** Cancels the request; its promise then rejects with the kind "cancelled". */
  signal?: AbortSignal;
  onProgress?: OnProgress;
}

interface Waiting {
  resolve: (reply: Reply) => void;
  reject: (error: EngineError) => void;
  onProgress?: OnProgress;
}

type Body = Request extends infer R ? (R extends Request ? Omit<R, "id"> : never) : never;

export class Engine {
  private readonly waiting = new Map<number, Waiting>();
  private lastId = 0;
  private broken: EngineError | null = null;

  /** @param worker one of worker.ts, which this engine alone talks to. */
  constructor(private readonly worker: Worker) {
    worker.onmessage = (event: MessageEvent<Reply>) => this.receive(event.data);
    // The script itself could not be loaded or run; nothing is answered any more.
    worker.onerror = (event) => this.fail(event.message || "the worker could not be started");
    worker.onmessageerror = () => this.fail("a message from the worker could not be read");
  }

  /**
   * Opens a model; the one that the slot has is closed once the new one is ready.
   *
   * @param slot the tab, or "dropped": the file's task decides, see `slot` of the result.
   * @param source an address in the app's folder, or the bytes of a file, which are moved.
   */
  async load(
    slot: Slot | "dropped",
    source: { url: string } | { file: ArrayBuffer },
    options: Options | OnProgress = {},
  ): Promise<{ slot: Slot; info: ModelInfo }> {
    // Relative addresses are the page's, not the worker's.
    const given = "url" in source ? { url: new URL(source.url, document.baseURI).href } : source;
    const moved = "file" in source ? [source.file] : [];
    const reply = await this.ask(
      { kind: "load", slot, ...given },
      typeof options === "function" ? { onProgress: options } : options,
      moved,
    );
    if (reply.kind !== "loaded") throw unexpected(reply);
    return { slot: reply.slot, info: reply.info };
  }

  /** A newer text replaces one that still waits, which rejects with the kind "cancelled". */
  async classify(text: string, textB?: string, options: Options = {}): Promise<Classified> {
    const reply = await this.ask({ kind: "classify", text, textB }, options);
    if (reply.kind !== "classified") throw unexpected(reply);
    return reply.result;
  }

  /** `onProgress` is told the windows of the passage. */
  async answer(question: string, passage: string, options: Options = {}): Promise<Answered> {
    const reply = await this.ask({ kind: "answer", question, passage }, options);
    if (reply.kind !== "answered") throw unexpected(reply);
    return reply.result;
  }

  async tag(text: string, options: Options = {}): Promise<Tagged> {
    const reply = await this.ask({ kind: "tag", text }, options);
    if (reply.kind !== "tagged") throw unexpected(reply);
    return reply.result;
  }

  /** Stops the worker; what waits is cancelled. */
  close() {
    this.worker.terminate();
    this.fail("the engine was closed", "cancelled");
  }

  private ask(request: Body, options: Options, moved: Transferable[] = []): Promise<Reply> {
    const { signal, onProgress } = options;
    if (this.broken) return Promise.reject(this.broken);
    if (signal?.aborted) return Promise.reject(new EngineError("cancelled", "cancelled"));
    const id = ++this.lastId;
    return new Promise((resolve, reject) => {
      const abort = () => {
        this.send({ id: ++this.lastId, kind: "cancel", target: id });
        // At once: the worker ends it at the next window.
        this.settle(id)?.reject(new EngineError("cancelled", "cancelled"));
      };
      const end = () => signal?.removeEventListener("abort", abort);
      this.waiting.set(id, {
        resolve: (reply) => (end(), resolve(reply)),
        reject: (error) => (end(), reject(error)),
        onProgress,
      });
      signal?.addEventListener("abort", abort, { once: true });
      this.send({ ...request, id } as Request, moved);
    });
  }

  private send(request: Request, moved: Transferable[] = []) {
    this.worker.postMessage(request, moved);
  }

  private receive(reply: Reply) {
    if (reply.kind === "progress") {
      this.waiting.get(reply.id)?.onProgress?.(reply.done, reply.total);
      return;
    }
    const waiting = this.settle(reply.id);
    if (reply.kind !== "error") waiting?.resolve(reply);
    else {
      const kind = reply.cancelled ? "cancelled" : reply.isFault ? "fault" : "input";
      waiting?.reject(new EngineError(reply.message, kind));
    }
  }

  private settle(id: number): Waiting | undefined {
    const waiting = this.waiting.get(id);
    this.waiting.delete(id);
    return waiting;
  }

  private fail(message: string, kind: "fault" | "cancelled" = "fault") {
    this.broken = new EngineError(message, kind);
    for (const id of [...this.waiting.keys()]) this.settle(id)?.reject(this.broken);
  }
}

function unexpected(reply: Reply): EngineError {
  return new EngineError(`the worker answered with ${reply.kind}`, "fault");
}
