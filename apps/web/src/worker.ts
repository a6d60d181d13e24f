// Answers the requests of protocol.ts. Requests of a kind are served in turn; rows of all requests
// stand in one line, so that a short one is served between two windows of a long one.
import { Cancelled, InputError, oneLine } from "./errors";
import { tagSettings } from "./model/config";
import { download } from "./model/download";
import { type ModelFile, readModelFile } from "./model/model_file";
import { Runner } from "./model/runner";
import type { ModelInfo, Reply, Request, Slot } from "./protocol";
import { Job, Line, yielded } from "./scheduler";
import { answer, classify, type RunRow, tag } from "./tasks/predict";

interface Open {
  file: ModelFile;
  runner: Runner;
}

type Asked<K> = Extract<Request, { kind: K }>;
type Body<R> = R extends { id: number } ? Omit<R, "id"> : never;

const LITERT = new URL("../litert/", self.location.href).href;
const SLOT_OF_TASK: Record<string, Slot> = { question_answering: "ask", tagging: "tag" };
const NAME_OF_SLOT: Record<Slot, string> = {
  ask: "questions",
  classify: "classification",
  tag: "tagging",
};

const models = new Map<Slot, Open>();
const jobs = new Map<number, Job>();
const lines: Record<Slot | "load", Line> = {
  ask: new Line(),
  classify: new Line(),
  tag: new Line(),
  load: new Line(),
};
const rows = new Line();
// The requests of a slot that have not ended; a new model ends them.
const ofSlot: Record<Slot, Set<Job>> = { ask: new Set(), classify: new Set(), tag: new Set() };
let newestClassify: Job | null = null;

self.onmessage = async (event: MessageEvent<Request>) => {
  const request = event.data;
  if (request.kind === "cancel") {
    jobs.get(request.target)?.cancel("cancelled");
    return;
  }
  const job = new Job(request.id);
  jobs.set(request.id, job);
  try {
    send(request.id, await served(request, job));
  } catch (error) {
    const isCancelled =
      error instanceof Cancelled || (job.signal.aborted && error instanceof InputError);
    send(request.id, {
      kind: "error",
      message: isCancelled ? "cancelled" : oneLine(error),
      cancelled: isCancelled,
      isFault: !isCancelled && !(error instanceof InputError),
    });
  } finally {
    jobs.delete(request.id);
  }
};

async function served(
  request: Exclude<Request, { kind: "cancel" }>,
  job: Job,
): Promise<Body<Reply>> {
  switch (request.kind) {
    case "load":
      return lines.load.run(() => loaded(request, job));
    case "answer": {
      const { question, passage } = request;
      const result = await asked("ask", job, (file, run) => answer(file, question, passage, run));
      return { kind: "answered", result };
    }
    case "tag": {
      const result = await asked("tag", job, (file, run) => tag(file, request.text, run));
      return { kind: "tagged", result };
    }
    case "classify": {
      // What is typed now replaces what was typed before and still waits, or has windows to run.
      newestClassify?.cancel("a newer text has replaced it");
      newestClassify = job;
      const { text, textB = null } = request;
      const result = await asked("classify", job, (file, run) => classify(file, text, textB, run));
      return { kind: "classified", result };
    }
  }
}

/** Serves a request of a slot in its turn; returns the result with the milliseconds it took. */
async function asked<T>(
  slot: Slot,
  job: Job,
  serve: (file: ModelFile, run: RunRow) => Promise<T>,
): Promise<T & { ms: number }> {
  ofSlot[slot].add(job);
  try {
    return await lines[slot].run(async () => {
      job.check();
      const model = models.get(slot);
      if (!model) throw new InputError(`no model for ${NAME_OF_SLOT[slot]} is open`);
      const start = performance.now();
      const result = await serve(model.file, rowRunner(model, job));
      return { ...result, ms: performance.now() - start };
    });
  } finally {
    ofSlot[slot].delete(job);
  }
}

/** Returns the function that runs a request's rows, each when it is its turn. */
function rowRunner(model: Open, job: Job): RunRow {
  return async (row, longest, number, total) => {
    const outputs = await rows.run(async () => {
      if (total > 1) job.check();
      return model.runner.run(row, longest);
    });
    if (total > 1) send(job.id, { kind: "progress", done: number + 1, total });
    await yielded();
    // After the last row the answer is there, and is sent: fast typing would else see none.
    if (number + 1 < total) job.check();
    return outputs;
  };
}

async function loaded(request: Asked<"load">, job: Job): Promise<Body<Reply>> {
  job.check();
  const bytes = request.file
    ? new Uint8Array(request.file)
    : await download(request.url ?? "", job.signal, (done, total) =>
        send(job.id, { kind: "progress", done, total }),
      );
  job.check();
  const start = performance.now();
  const file = readModelFile(bytes);
  const slot = SLOT_OF_TASK[file.config.task] ?? "classify";
  if (request.slot !== "dropped" && request.slot !== slot)
    throw new InputError(
      `is a model for ${file.config.task}, not for ${NAME_OF_SLOT[request.slot]}`,
    );
  const info = await rows.run(async () => {
    job.check();
    const runner = await Runner.open(bytes, file, LITERT);
    if (job.signal.aborted) runner.delete();
    job.check();
    for (const other of ofSlot[slot]) other.cancel("another model was opened");
    models.get(slot)?.runner.delete();
    models.set(slot, { file, runner });
    return infoOf(file, runner, bytes.length, performance.now() - start);
  });
  return { kind: "loaded", slot, info };
}

function infoOf(
  { config, vocabularySize }: ModelFile,
  runner: Runner,
  bytes: number,
  loadMs: number,
): ModelInfo {
  return {
    task: config.task,
    labels: config.labels,
    areEntities: config.task === "tagging" && tagSettings(config).scheme !== "none",
    length: config.maxLength,
    pair: config.pair === true,
    nullAnswers: config.settings.null_answers === true,
    vocabularySize,
    bytes,
    accelerator: runner.accelerator,
    acceleratorNote: runner.acceleratorNote,
    loadMs,
  };
}

function send(id: number, reply: Body<Reply>) {
  self.postMessage({ id, ...reply } as Reply);
}
