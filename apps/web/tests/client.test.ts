// The page's side of the protocol, and the order in which the worker runs rows.
import { beforeEach, describe, expect, test, vi } from "vitest";
import { Engine, EngineError } from "../src/client";
import { Cancelled } from "../src/errors";
import type { Reply, Request } from "../src/protocol";
import { Job, Line, yielded } from "../src/scheduler";

/** A worker that keeps what it is sent; the test answers. */
class FakeWorker {
  readonly sent: Request[] = [];
  readonly moved: Transferable[][] = [];
  isTerminated = false;
  onmessage: ((event: { data: Reply }) => void) | null = null;
  onerror: ((event: { message: string }) => void) | null = null;
  onmessageerror: (() => void) | null = null;

  postMessage(request: Request, moved: Transferable[]) {
    this.sent.push(request);
    this.moved.push(moved);
  }

  terminate() {
    this.isTerminated = true;
  }

  reply(reply: object) {
    this.onmessage!({ data: reply as Reply });
  }
}

const SPAN = { text: "", start: 0, end: 0, probability: 0 };
const ANSWER = { best: SPAN, nBest: [], nullOdds: null, windows: 1, ms: 2 };

describe("engine", () => {
  let worker: FakeWorker;
  let engine: Engine;

  beforeEach(() => {
    vi.stubGlobal("document", { baseURI: "https://example.org/app/" });
    worker = new FakeWorker();
    engine = new Engine(worker as unknown as Worker);
  });

  test("answers go to who asked, in any order", async () => {
    const first = engine.classify("a");
    const second = engine.answer("q", "p");
    expect(worker.sent).toEqual([
      { id: 1, kind: "classify", text: "a", textB: undefined },
      { id: 2, kind: "answer", question: "q", passage: "p" },
    ]);
    worker.reply({ id: 2, kind: "answered", result: ANSWER });
    worker.reply({ id: 1, kind: "classified", result: { labels: [], value: 3, ms: 1 } });
    expect((await first).value).toBe(3);
    expect(await second).toEqual(ANSWER);
  });

  test("addresses are the page's, and a file's bytes are moved", () => {
    const file = new ArrayBuffer(8);
    void engine.load("ask", { url: "models/x.tflite" });
    void engine.load("dropped", { file });
    expect(worker.sent[0]).toMatchObject({ slot: "ask", url: "https://example.org/app/models/x.tflite" });
    expect(worker.moved).toEqual([[], [file]]);
  });

  test("progress is told", async () => {
    const seen: number[][] = [];
    const loaded = engine.load("tag", { url: "x" }, (done, total) => seen.push([done, total]));
    worker.reply({ id: 1, kind: "progress", done: 5, total: 10 });
    worker.reply({ id: 9, kind: "progress", done: 5, total: 10 });
    worker.reply({ id: 1, kind: "loaded", slot: "tag", info: { task: "tagging" } });
    expect((await loaded).slot).toBe("tag");
    expect(seen).toEqual([[5, 10]]);
  });

  test.each([
    [{ cancelled: false, isFault: false }, "input"],
    [{ cancelled: true, isFault: false }, "cancelled"],
    [{ cancelled: false, isFault: true }, "fault"],
  ])("an error %j is of the kind %s", async (flags, kind) => {
    const asked = engine.tag("");
    worker.reply({ id: 1, kind: "error", message: "why", ...flags });
    const error = await asked.catch((reason) => reason);
    expect(error).toBeInstanceOf(EngineError);
    expect([error.message, error.kind]).toEqual(["why", kind]);
  });

  test("a signal cancels, at once and in the worker", async () => {
    const aborter = new AbortController();
    const asked = engine.answer("q", "p", { signal: aborter.signal });
    aborter.abort();
    await expect(asked).rejects.toMatchObject({ kind: "cancelled" });
    expect(worker.sent[1]).toEqual({ id: 2, kind: "cancel", target: 1 });
    // What the worker says of it later is for nobody.
    worker.reply({ id: 1, kind: "error", message: "cancelled", cancelled: true, isFault: false });
    const late = engine.answer("q", "p", { signal: aborter.signal });
    await expect(late).rejects.toMatchObject({ kind: "cancelled" });
    expect(worker.sent.length).toBe(2);
  });

  test("a signal that aborts after the answer does nothing", async () => {
    const aborter = new AbortController();
    const asked = engine.answer("q", "p", { signal: aborter.signal });
    worker.reply({ id: 1, kind: "answered", result: ANSWER });
    await asked;
    aborter.abort();
    expect(worker.sent.length).toBe(1);
  });

  test("a worker that cannot run fails all requests, those to come too", async () => {
    const asked = engine.classify("a");
    worker.onerror!({ message: "SyntaxError" });
    await expect(asked).rejects.toMatchObject({ message: "SyntaxError", kind: "fault" });
    await expect(engine.classify("b")).rejects.toMatchObject({ kind: "fault" });
  });

  test("an engine that is closed cancels", async () => {
    const asked = engine.classify("a");
    engine.close();
    await expect(asked).rejects.toMatchObject({ kind: "cancelled" });
    expect(worker.isTerminated).toBe(true);
  });
});

describe("scheduler", () => {
  test("a line runs its tasks one by one, also after one that fails", async () => {
    const line = new Line();
    const seen: string[] = [];
    const task = (name: string) => async () => {
      seen.push(`${name} begins`);
      await yielded();
      seen.push(`${name} ends`);
      if (name === "b") throw new Error("b");
      return name;
    };
    const results = await Promise.allSettled(["a", "b", "c"].map((name) => line.run(task(name))));
    expect(seen).toEqual(["a begins", "a ends", "b begins", "b ends", "c begins", "c ends"]);
    expect(results.map((result) => result.status)).toEqual(["fulfilled", "rejected", "fulfilled"]);
  });

  test("a job that is cancelled says why, once", () => {
    const job = new Job(1);
    job.check();
    job.cancel("first");
    job.cancel("second");
    expect(() => job.check()).toThrow(new Cancelled("first"));
    expect(job.signal.aborted).toBe(true);
  });
});
