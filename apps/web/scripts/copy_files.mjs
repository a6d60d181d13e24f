// Copies what the page loads by address into public/: LiteRT.js's WebAssembly from node_modules,
// and the models of ../models with models.json, which names those that exist.
import { createHash } from "node:crypto";
import fs from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";

const app = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const wasm = path.join(app, "node_modules", "@litertjs", "core", "wasm");
// The plain build and that for browsers without SIMD; no threads, which gained nothing, and jspi
// for WebGPU only.
const WASM_FILES = ["litert_wasm_internal", "litert_wasm_compat_internal", "litert_wasm_jspi_internal"];
const MODELS = {
  ask: "answerer/answerer.tflite",
  classify: "sentiment/sentiment.tflite",
  tag: "tagger/tagger.tflite",
};

/** Copies a file if the copy is not of the same size and at least as new. */
function copy(from, to) {
  const source = fs.statSync(from);
  const old = fs.existsSync(to) ? fs.statSync(to) : null;
  if (old && old.size === source.size && old.mtimeMs >= source.mtimeMs) return;
  fs.mkdirSync(path.dirname(to), { recursive: true });
  fs.copyFileSync(from, `${to}.new`);
  fs.renameSync(`${to}.new`, to);
}

if (!fs.existsSync(wasm)) {
  console.error("node_modules/@litertjs/core is missing: run npm ci first");
  process.exit(2);
}
for (const name of WASM_FILES)
  for (const kind of ["js", "wasm"])
    copy(path.join(wasm, `${name}.${kind}`), path.join(app, "public", "litert", `${name}.${kind}`));

const models = {};
for (const [slot, name] of Object.entries(MODELS)) {
  const from = path.join(app, "..", "models", name);
  const to = path.join("models", path.basename(name));
  if (!fs.existsSync(from)) {
    console.log(`no model for ${slot}: apps/models/${name} is not there`);
    fs.rmSync(path.join(app, "public", to), { force: true });
    continue;
  }
  copy(from, path.join(app, "public", to));
  // The address says what the file holds, so that a browser which has it need not ask again.
  const content = createHash("md5").update(fs.readFileSync(from)).digest("hex").slice(0, 8);
  const url = `${to.split(path.sep).join("/")}?v=${content}`;
  models[slot] = { name: path.basename(name), url, bytes: fs.statSync(from).size };
}
fs.writeFileSync(path.join(app, "public", "models.json"), `${JSON.stringify(models, null, 2)}\n`);
