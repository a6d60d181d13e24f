// How a model file is bound to its task, and what runs it, with a LiteRT.js that is a fake: faults
// of the runtime, its reloads, and the choice of WebGPU, which no machine of the tests has.
import { beforeEach, describe, expect, test, vi } from "vitest";
import { InputError } from "../src/errors";
import { parseConfig } from "../src/model/config";
import { Runner } from "../src/model/runner";
import type { Row } from "../src/tasks/rows";
import { Tokenizer } from "../src/text/tokenizer";

type Values = Record<string, Int32Array>;
interface Detail {
  name: string;
  dtype: string;
  shape: number[];
}

const LENGTH = 8;
const INPUTS: Detail[] = ["segment_ids", "mask", "ids"].map((name) => ({
  name,
  dtype: "int32",
  shape: [1, LENGTH],
}));
const OUTPUTS: Detail[] = [{ name: "probability", dtype: "float32", shape: [1, 2] }];

/** What the fake runtime is and does; a test changes it. */
const usual = () => ({
  builds: [] as string[],
  compiled: [] as string[],
  open: 0,
  tensors: 0,
  inputs: INPUTS,
  outputs: OUTPUTS,
  isFullyAccelerated: true,
  slow: { wasm: 0, webgpu: 0 } as Record<string, number>,
  run: (_values: Values, _accelerator: string): Record<string, Float32Array> => ({
    probability: Float32Array.of(0.25, 0.75),
  }),
});
let runtime = usual();
let clock = 0;

vi.mock("@litertjs/core", () => ({
  isWebGPUSupported: () => "gpu" in navigator,
  loadLiteRt: async (folder: string, { jspi }: { jspi: boolean }) => {
    runtime.builds.push(`${folder} ${jspi ? "jspi" : "plain"}`);
  },
  unloadLiteRt: () => {
    runtime.open = 0;
  },
  Tensor: class {
    constructor(readonly values: Int32Array) {
      runtime.tensors++;
    }
    data = async () => this.values;
    delete = () => runtime.tensors--;
  },
  loadAndCompile: async (_bytes: Uint8Array, { accelerator }: { accelerator: string }) => {
    runtime.compiled.push(accelerator);
    runtime.open++;
    return {
      isFullyAccelerated: runtime.isFullyAccelerated,
      getInputDetails: () => runtime.inputs,
      getOutputDetails: () => runtime.outputs,
      delete: () => runtime.open--,
      run: async (tensors: Record<string, { values: Int32Array }>) => {
        clock += runtime.slow[accelerator];
        const values = Object.entries(tensors).map(([name, tensor]) => [name, tensor.values]);
        const outputs = Object.entries(runtime.run(Object.fromEntries(values), accelerator));
        runtime.tensors += outputs.length;
        return Object.fromEntries(
          outputs.map(([name, data]) => [
            name,
            { data: async () => data, delete: () => runtime.tensors-- },
          ]),
        );
      },
    };
  },
}));

const TOKENIZER = new Tokenizer(["[UNK]", "[CLS]", "[SEP]", "a", "[PAD]"]);
const ROW: Row = { tokenIds: [1, 3, 2], segmentIds: [0, 0, 1] };

function open(changes: object = {}): Promise<Runner> {
  const config = parseConfig(
    JSON.stringify({
      format_version: 2,
      encoder: { vocab_size: 5 },
      task: "classification",
      labels: ["no", "yes"],
      max_length: 6,
      ...changes,
    }),
  );
  const file = { config, tokenizer: TOKENIZER, vocabularySize: 5 };
  return Runner.open(new Uint8Array(64), file, "https://example.org/litert/");
}

/** As the runtime prints an error. */
const complain = (line: string) => (globalThis as any).Module.printErr(line);

/** Makes the next model load the runtime anew. */
async function trap() {
  runtime.run = () => {
    throw new WebAssembly.RuntimeError("memory access out of bounds");
  };
  await open().catch(() => {});
  runtime = usual();
}

beforeEach(async () => {
  vi.stubGlobal("self", globalThis);
  vi.stubGlobal("navigator", {});
  vi.stubGlobal("performance", { now: () => clock });
  runtime = usual();
  await trap();
});

describe("rows", () => {
  test("are bound by name and padded; outputs are copied and tensors released", async () => {
    const runner = await open();
    const seen: Values[] = [];
    runtime.run = (values) => (seen.push(values), { probability: Float32Array.of(0.5, 0.5) });
    expect(await runner.run(ROW)).toEqual({ probability: Float32Array.of(0.5, 0.5) });
    expect(seen).toEqual([
      {
        ids: Int32Array.of(1, 3, 2, 4, 4, 4, 4, 4),
        segment_ids: Int32Array.of(0, 0, 1, 0, 0, 0, 0, 0),
        mask: Int32Array.of(1, 1, 1, 0, 0, 0, 0, 0),
      },
    ]);
    expect(runtime.tensors).toBe(0);
    expect(runtime.builds).toEqual(["https://example.org/litert/ plain"]);
    runner.delete();
    expect(runtime.open).toBe(0);
  });

  test("of tasks per token are cut to the tokens", async () => {
    const answerer = {
      task: "question_answering",
      labels: [],
      settings: { doc_stride: 1, max_question_length: 1 },
    };
    const names = ["end_logits", "start_logits"];
    runtime.outputs = names.map((name) => ({ name, dtype: "float32", shape: [1, LENGTH] }));
    const logits = Float32Array.from({ length: LENGTH }, (_, i) => i);
    runtime.run = () => ({ end_logits: logits, start_logits: logits });
    const found = await (await open(answerer)).run(ROW);
    expect(found).toEqual({
      end_logits: Float32Array.of(0, 1, 2),
      start_logits: Float32Array.of(0, 1, 2),
    });
  });
});

describe("a file that does not fit", () => {
  const output = (changes: object) => [{ ...OUTPUTS[0], ...changes }];
  test.each<[string, object, string]>([
    [
      "no input ids",
      { inputs: INPUTS.slice(0, 2) },
      "has no ids: it is not the model for classification",
    ],
    ["no output", { outputs: output({ name: "x" }) }, "has no probability: it is not the model"],
    ["another input", { inputs: [...INPUTS, { ...INPUTS[0], name: "x" }] }, "also has the input x"],
    [
      "text inputs",
      { inputs: INPUTS.map((each) => ({ ...each, dtype: "string" })) },
      "segment_ids is of string",
    ],
    [
      "two rows",
      { inputs: INPUTS.map((each) => ({ ...each, shape: [2, 8] })) },
      "is of shape 2, 8, a page runs one row",
    ],
    [
      "short rows",
      { inputs: INPUTS.map((each) => ({ ...each, shape: [1, 5] })) },
      "takes 5 tokens, its description says 6",
    ],
    [
      "int8 outputs",
      { outputs: output({ dtype: "int8" }) },
      "probability is of int8, it must be of float32",
    ],
    [
      "three outputs",
      { run: () => ({ probability: new Float32Array(3) }) },
      "3 outputs for 2 labels",
    ],
    [
      "broken weights",
      { run: () => ({ probability: Float32Array.of(NaN, 0) }) },
      "probability is not finite",
    ],
  ])("%s", async (_, changes, message) => {
    Object.assign(runtime, changes);
    const error = await open().catch((reason) => reason);
    expect(error).toBeInstanceOf(InputError);
    expect(error.message).toContain(message);
    expect([runtime.open, runtime.tensors]).toEqual([0, 0]);
  });
});

describe("faults of the runtime", () => {
  test("an operation that fails and throws nothing", async () => {
    runtime.run = () => {
      complain("INFO: a note");
      complain("ERROR: [x.cc:1] index out of bounds");
      complain("ERROR: failed to invoke");
      return { probability: new Float32Array(2) };
    };
    await expect(open()).rejects.toThrow("LiteRT.js cannot run it: index out of bounds");
    expect(runtime.tensors).toBe(0);
  });

  test("an abort, which says nothing of the file", async () => {
    runtime.run = () => {
      throw new WebAssembly.RuntimeError("Aborted(). Build with -sASSERTIONS for more info.");
    };
    await expect(open()).rejects.toThrow("LiteRT.js cannot run it: its network is broken");
  });

  test("after a trap LiteRT.js is loaded anew, and models of before are compiled again", async () => {
    const runner = await open();
    const { run } = runtime;
    runtime.run = () => {
      throw new WebAssembly.RuntimeError("memory access out of bounds");
    };
    await expect(runner.run(ROW)).rejects.toThrow(
      "LiteRT.js cannot run it: memory access out of bounds",
    );
    runtime.run = run;
    expect(await runner.run(ROW)).toEqual({ probability: Float32Array.of(0.25, 0.75) });
    expect(runtime.builds.length).toBe(2);
    expect(runtime.compiled).toEqual(["wasm", "wasm"]);
    expect(runtime.open).toBe(1);
  });
});

describe("WebGPU", () => {
  const gpu = (adapter: object | null) =>
    vi.stubGlobal("navigator", { gpu: { requestAdapter: async () => adapter } });

  beforeEach(() => {
    vi.stubGlobal(
      "WebAssembly",
      Object.assign(Object.create(WebAssembly), { Suspending: class {} }),
    );
    gpu({ info: {} });
    runtime.slow = { wasm: 10, webgpu: 1 };
  });

  test("is used where it says the same, faster", async () => {
    const runner = await open();
    expect([runner.accelerator, runner.acceleratorNote]).toEqual(["webgpu", ""]);
    expect(runtime.builds.map((build) => build.split(" ")[1])).toEqual(["plain", "jspi"]);
    const ran: string[] = [];
    runtime.run = (_, accelerator) => (ran.push(accelerator), { probability: new Float32Array(2) });
    await runner.run(ROW);
    expect(ran).toEqual(["webgpu"]);
    expect(runtime.open).toBe(1);
  });

  const numbers = (wrong: number) => (_: Values, accelerator: string) => ({
    probability: Float32Array.of(0.25, 0.75 + (accelerator === "webgpu" ? wrong : 0)),
  });
  test.each<[string, () => void, string]>([
    ["other numbers", () => (runtime.run = numbers(2e-3)), "computed other numbers"],
    ["no numbers", () => (runtime.run = numbers(NaN)), "WebGPU cannot run this model"],
    ["only a part", () => (runtime.isFullyAccelerated = false), "runs only a part of this model"],
    ["slower", () => (runtime.slow.webgpu = 10), "WebGPU is not faster here"],
    ["no adapter", () => gpu(null), "this device has no WebGPU adapter"],
    [
      "a program as adapter",
      () => gpu({ info: { isFallbackAdapter: true } }),
      "this device has no WebGPU",
    ],
    ["no WebGPU", () => vi.stubGlobal("navigator", {}), "this browser has no WebGPU"],
  ])("is not used: %s", async (_, change, note) => {
    change();
    const runner = await open();
    expect(runner.accelerator).toBe("wasm");
    expect(runner.acceleratorNote).toContain(note);
    expect((await runner.run(ROW)).probability[0]).toBe(0.25);
    expect(runtime.open).toBe(1);
  });

  test("numbers within a thousandth are the same", async () => {
    runtime.run = numbers(5e-4);
    expect((await open()).accelerator).toBe("webgpu");
  });
});
