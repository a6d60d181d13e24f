// LiteRT.js: loaded once, by the first model. It runs on WebAssembly without threads: measured on
// two cores, threads gained nothing, and they need headers that many hosts do not send.
import {
  type CompiledModel,
  isWebGPUSupported,
  loadAndCompile,
  loadLiteRt,
  Tensor,
  unloadLiteRt,
} from "@litertjs/core";
import { InputError, oneLine } from "../errors";

export type Accelerator = "wasm" | "webgpu";
export type Outputs = Record<string, Float32Array>;
export interface TensorShape {
  name: string;
  dtype: string;
  shape: number[];
}

let loading: Promise<unknown> | null = null;
let loads = 0;
let isForGpu = false;
/** The first error that the runtime printed in a call; it says more than what is thrown. */
let complaint = "";

/** Counts how often LiteRT.js was loaded; models of an earlier load are lost. */
export function generation(): number {
  return loads;
}

/**
 * Loads LiteRT.js, unless it is loaded.
 *
 * @param needsGpu whether the build for WebGPU is needed, which is another one: what was compiled
 *     with the usual build is lost then.
 */
export async function load(folder: string, needsGpu = false): Promise<void> {
  if (needsGpu && loading && !isForGpu) forget();
  loading ??= start(folder, needsGpu);
  try {
    await loading;
  } catch (error) {
    loading = null;
    throw new InputError(`this browser cannot run models: ${oneLine(error)}`);
  }
}

async function start(folder: string, needsGpu: boolean) {
  if (typeof WebAssembly === "undefined") throw new Error("it has no WebAssembly");
  isForGpu = needsGpu;
  const quiet = (line: string) => {
    if (line.startsWith("ERROR:")) complaint ||= line.replace(/^ERROR: (\[[^\]]*\] )?/, "");
  };
  // The loader takes its options from this name; without them each file prints lines of notes, and
  // the .wasm file is looked for beside the worker.
  const locateFile = (name: string) => `${folder}${name}`;
  Object.assign(self, { Module: { print: quiet, printErr: quiet, locateFile } });
  await loadLiteRt(folder, { jspi: needsGpu });
  loads++;
}

/** Returns why WebGPU cannot be tried in this browser, on this device; "" where it can. */
export async function whyNoGpu(): Promise<string> {
  if (!isWebGPUSupported()) return "this browser has no WebGPU";
  if (!("Suspending" in WebAssembly)) return "this browser has no JSPI, which WebGPU needs";
  const adapter = await navigator.gpu.requestAdapter().catch(() => null);
  const info = adapter?.info as (GPUAdapterInfo & { isFallbackAdapter?: boolean }) | undefined;
  // A fallback adapter is a program: slower than WebAssembly.
  return adapter && !info?.isFallbackAdapter ? "" : "this device has no WebGPU adapter";
}

/** A model that is ready to run, at one length. */
export class Program {
  private readonly model: CompiledModel;
  readonly inputs: TensorShape[];
  readonly outputs: TensorShape[];

  private constructor(model: CompiledModel) {
    this.model = model;
    const shapes = (details: ReturnType<CompiledModel["getInputDetails"]>) =>
      details.map(({ name, dtype, shape }) => ({ name, dtype, shape: Array.from(shape) }));
    this.inputs = shapes(model.getInputDetails());
    this.outputs = shapes(model.getOutputDetails());
  }

  /** Compiles the bytes of a .tflite file. */
  static async compile(bytes: Uint8Array, accelerator: Accelerator): Promise<Program> {
    return guarded("LiteRT.js cannot open it", async () => {
      const model = await loadAndCompile(bytes, { accelerator });
      try {
        return new Program(model);
      } catch (error) {
        model.delete();
        throw error;
      }
    });
  }

  /** Whether the accelerator runs all of it. */
  get isFullyAccelerated(): boolean {
    return this.model.isFullyAccelerated;
  }

  /** Runs one row: int32 inputs by name, of the shape that the program has. */
  async run(inputs: Record<string, Int32Array>): Promise<Outputs> {
    return guarded("LiteRT.js cannot run it", async () => {
      const tensors: Record<string, Tensor> = {};
      let outputs: Record<string, Tensor> = {};
      try {
        for (const [name, values] of Object.entries(inputs))
          tensors[name] = new Tensor(values, [1, values.length]);
        outputs = await this.model.run(tensors);
        // An operation that fails, as with an id beyond the table, leaves zeros and throws nothing.
        if (complaint) throw new Error(complaint);
        const found: Outputs = {};
        // Copied: what is on the heap of the WebAssembly goes with its tensor.
        for (const [name, tensor] of Object.entries(outputs))
          found[name] = Float32Array.from(await tensor.data());
        return found;
      } finally {
        for (const tensor of [...Object.values(tensors), ...Object.values(outputs)])
          released(tensor);
      }
    });
  }

  delete() {
    released(this.model);
  }
}

function released(object: { delete(): void }) {
  try {
    object.delete();
  } catch {
    // After a trap nothing can be released, and the trap is what is to be said.
  }
}

/** Calls the runtime; what it throws becomes an InputError, for it is about the file. */
async function guarded<T>(what: string, call: () => Promise<T>): Promise<T> {
  complaint = "";
  try {
    return await call();
  } catch (error) {
    // After a trap its memory may be in any state: the next model loads it anew.
    if (error instanceof WebAssembly.RuntimeError) forget();
    const reason = oneLine(complaint || error);
    // Of an abort it says no more than how to build it with more to say.
    throw new InputError(`${what}: ${reason.startsWith("Aborted()") ? "its network is broken" : reason}`);
  }
}

function forget() {
  loading = null;
  try {
    unloadLiteRt();
  } catch {
    // Its destructors are of the broken module, too.
  }
}
