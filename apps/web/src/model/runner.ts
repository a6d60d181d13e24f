// A model file that can be run: rows of tokens in, checked outputs out.
// The twin of keras_bert/export/runners.py: TFLiteRunner.
import { InputError } from "../errors";
import type { Row } from "../tasks/rows";
import type { ModelConfig, Task } from "./config";
import { hasOpenLength, withLength } from "./lengths";
import * as litert from "./litert";
import type { ModelFile } from "./model_file";

// In the order of a row's token ids, segment ids and mask.
const INPUTS = ["ids", "segment_ids", "mask"];
const OUTPUTS: Record<Task, string[]> = {
  classification: ["probability"],
  multi_label: ["probability"],
  regression: ["value"],
  tagging: ["probability"],
  question_answering: ["start_logits", "end_logits"],
};
// Of a file with an open length: a row is filled up to the next of these, or to the model's length.
const LENGTHS = [16, 32, 64, 96, 128, 192, 256, 384, 512];
// Programs of one file at a time; each has a copy of its weights.
const MOST_PROGRAMS = 3;
// Within which another accelerator has to reproduce the outputs of WebAssembly.
const TOLERANCE = 1e-3;

export class Runner {
  accelerator: litert.Accelerator = "wasm";
  acceleratorNote = "";
  private programs = new Map<number, litert.Program>();
  private generation = 0;
  private readonly isOpen: boolean;

  private constructor(
    private bytes: Uint8Array,
    private readonly file: ModelFile,
    private readonly folder: string,
  ) {
    this.isOpen = hasOpenLength(bytes);
  }

  /**
   * Compiles a file and runs it once.
   *
   * @param bytes of the file, which are kept: an open length, or a fault of the runtime, need them.
   * @param folder the address of LiteRT.js's files.
   */
  static async open(bytes: Uint8Array, file: ModelFile, folder: string): Promise<Runner> {
    const runner = new Runner(bytes, file, folder);
    try {
      await runner.tryOut();
    } catch (error) {
      runner.delete();
      throw error;
    }
    return runner;
  }

  get config(): ModelConfig {
    return this.file.config;
  }

  /**
   * Runs one row.
   *
   * @param longest the most tokens of the rows that belong together, which then share a program.
   * @returns the task's outputs by name; those of tasks per token cut to the row's tokens.
   */
  async run(row: Row, longest = row.tokenIds.length): Promise<litert.Outputs> {
    const [program, length] = await this.programFor(longest);
    return this.checked(await program.run(this.inputsOf(row, length)), row, length);
  }

  delete() {
    if (this.generation === litert.generation())
      for (const program of this.programs.values()) program.delete();
    this.programs.clear();
  }

  /** Returns a program for rows of so many tokens, and the length of its rows. */
  private async programFor(tokens: number): Promise<[litert.Program, number]> {
    await litert.load(this.folder);
    if (this.generation !== litert.generation()) {
      this.programs.clear();
      this.generation = litert.generation();
    }
    const { maxLength } = this.config;
    const wanted = this.isOpen ? Math.min(LENGTHS.find((l) => l >= tokens) ?? maxLength, maxLength) : 0;
    let program = this.programs.get(wanted);
    if (!program) {
      if (this.programs.size >= MOST_PROGRAMS) {
        const [oldest, unused] = this.programs.entries().next().value!;
        unused.delete();
        this.programs.delete(oldest);
      }
      program = await this.compiled(wanted, this.accelerator);
    } else this.programs.delete(wanted);
    this.programs.set(wanted, program); // as the one that was used last
    return [program, program.inputs[0].shape[1]];
  }

  private async compiled(length: number, accelerator: litert.Accelerator): Promise<litert.Program> {
    const bytes = this.isOpen ? withLength(this.bytes, length) : this.bytes;
    const program = await litert.Program.compile(bytes, accelerator);
    try {
      this.check(program);
    } catch (error) {
      program.delete();
      throw error;
    }
    return program;
  }

  /** Throws unless the file has the inputs and outputs of its task; bound by name, in any order. */
  private check({ inputs, outputs }: litert.Program) {
    const { task, maxLength } = this.config;
    const wrong = `it is not the model for ${task} that its description says`;
    const names = outputs.map((output) => output.name);
    const missing = INPUTS.filter((name) => !inputs.some((input) => input.name === name));
    missing.push(...OUTPUTS[task].filter((name) => !names.includes(name)));
    if (missing.length) throw new InputError(`has no ${missing.join(", ")}: ${wrong}`);
    const extra = inputs.filter(({ name }) => !INPUTS.includes(name));
    if (extra.length) throw new InputError(`also has the input ${extra[0].name}: ${wrong}`);
    for (const { name, dtype, shape } of inputs) {
      if (dtype !== "int32") throw new InputError(`${name} is of ${dtype}, it must be of int32`);
      if (shape.length !== 2 || shape[0] !== 1 || shape[1] !== inputs[0].shape[1])
        throw new InputError(`${name} is of shape ${shape.join(", ")}, a page runs one row: ${wrong}`);
    }
    const length = inputs[0].shape[1];
    if (!this.isOpen && length < maxLength)
      throw new InputError(`takes ${length} tokens, its description says ${maxLength}`);
    for (const { name, dtype } of outputs)
      if (OUTPUTS[task].includes(name) && dtype !== "float32")
        throw new InputError(`${name} is of ${dtype}, it must be of float32`);
  }

  private inputsOf(row: Row, length: number): Record<string, Int32Array> {
    const ids = new Int32Array(length).fill(this.file.tokenizer.padId);
    const segments = new Int32Array(length);
    ids.set(row.tokenIds);
    segments.set(row.segmentIds);
    const mask = new Int32Array(length).fill(1, 0, row.tokenIds.length);
    return { ids, segment_ids: segments, mask };
  }

  /** Returns the task's outputs; throws if they are not of the task's size, or not finite. */
  private checked(outputs: litert.Outputs, row: Row, length: number): litert.Outputs {
    const { task, labels } = this.config;
    const width = task === "regression" || task === "question_answering" ? 1 : labels.length;
    const isPerToken = task === "tagging" || task === "question_answering";
    const found: litert.Outputs = {};
    for (const name of OUTPUTS[task]) {
      const values = outputs[name];
      if (values.length !== width * (isPerToken ? length : 1)) {
        const each = isPerToken ? values.length / length : values.length;
        throw new InputError(
          labels.length
            ? `${each} outputs for ${labels.length} labels`
            : `${name} has ${values.length} numbers, which is not the size for ${task}`,
        );
      }
      if (!values.every(Number.isFinite))
        throw new InputError(`${name} is not finite: the file's weights are broken`);
      found[name] = isPerToken ? values.subarray(0, width * row.tokenIds.length) : values;
    }
    return found;
  }

  /** Runs a row on WebAssembly, and on WebGPU where there is one: it must say the same, faster. */
  private async tryOut() {
    const { clsId, sepId, unkId } = this.file.tokenizer;
    const count = Math.min(this.isOpen ? 32 : this.config.maxLength, this.config.maxLength);
    const tokenIds = Array.from({ length: count }, (_, i) => (i % 7 === 3 ? unkId : i % 5 ? sepId : clsId));
    const row = { tokenIds, segmentIds: tokenIds.map(() => 0) };
    const expected = await this.run(row);
    const { canUseGpu, note } = litert.gpuState();
    this.acceleratorNote = canUseGpu ? await this.tryGpu(row, expected) : note;
  }

  /** Returns why WebGPU is not used, or "" where it is from now on. */
  private async tryGpu(row: Row, expected: litert.Outputs): Promise<string> {
    const [onWasm, length] = await this.programFor(row.tokenIds.length);
    let onGpu: litert.Program | null = null;
    try {
      onGpu = await this.compiled(this.isOpen ? length : 0, "webgpu");
      if (!onGpu.isFullyAccelerated) return "WebGPU runs only a part of this model";
      const inputs = this.inputsOf(row, length);
      const found = this.checked(await onGpu.run(inputs), row, length);
      for (const [name, values] of Object.entries(expected))
        for (let i = 0; i < values.length; i++)
          if (Math.abs(values[i] - found[name][i]) > TOLERANCE)
            return "WebGPU computed other numbers than WebAssembly";
      if ((await seconds(onGpu, inputs)) >= (await seconds(onWasm, inputs)))
        return "WebGPU is not faster here";
      for (const program of this.programs.values()) program.delete();
      this.programs = new Map([[this.isOpen ? length : 0, onGpu]]);
      onGpu = null;
      this.accelerator = "webgpu";
      return "";
    } catch {
      return "WebGPU cannot run this model";
    } finally {
      onGpu?.delete();
    }
  }
}

/** Returns the shorter time of two runs. */
async function seconds(program: litert.Program, inputs: Record<string, Int32Array>) {
  const times: number[] = [];
  for (let i = 0; i < 2; i++) {
    const start = performance.now();
    await program.run(inputs);
    times.push(performance.now() - start);
  }
  return Math.min(...times);
}
