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
const SHIPPED = {
  ask: "answerer/answerer.tflite",
  classify: "sentiment/sentiment.tflite",
  tag: "tagger/tagger.tflite",
};

function fail(line) {
  console.error(line);
  process.exit(2);
}

/** Returns the file of each tab: the shipped ones, or those of WEB_MODELS, tab=file,tab=file. */
function models() {
  const files = {};
  for (const [slot, name] of Object.entries(SHIPPED)) files[slot] = path.join(app, "..", "models", name);
  for (const entry of (process.env.WEB_MODELS ?? "").split(",").filter(Boolean)) {
    const [slot, ...name] = entry.split("=");
    if (!(slot in SHIPPED) || !name.length)
      fail(`WEB_MODELS=${entry}: must be ask=FILE, classify=FILE or tag=FILE, with commas between them`);
    files[slot] = path.resolve(process.env.INIT_CWD ?? ".", name.join("="));
    if (!fs.existsSync(files[slot])) fail(`WEB_MODELS=${entry}: there is no such file`);
  }
  return files;
}

/** Copies a file if the copy is not of the same size and at least as new. */
function copy(from, to) {
  const source = fs.statSync(from);
  const old = fs.existsSync(to) ? fs.statSync(to) : null;
  if (old && old.size === source.size && old.mtimeMs >= source.mtimeMs) return;
  fs.mkdirSync(path.dirname(to), { recursive: true });
  fs.copyFileSync(from, `${to}.new`);
  fs.renameSync(`${to}.new`, to);
}

if (!fs.existsSync(wasm)) fail("node_modules/@litertjs/core is missing: run npm ci first");
for (const name of WASM_FILES)
  for (const kind of ["js", "wasm"])
    copy(path.join(wasm, `${name}.${kind}`), path.join(app, "public", "litert", `${name}.${kind}`));

// All anew: what an earlier build copied may have been of other models.
const place = path.join(app, "public", "models");
fs.rmSync(place, { recursive: true, force: true });
fs.mkdirSync(place, { recursive: true });
const listed = {};
for (const [slot, file] of Object.entries(models())) {
  if (!fs.existsSync(file)) {
    console.log(`no model for the tab ${slot}: apps/models/${SHIPPED[slot]} is not there`);
    continue;
  }
  const content = fs.readFileSync(file);
  const name = path.basename(file);
  // A folder for each tab, for two files may have one name.
  fs.mkdirSync(path.join(place, slot));
  fs.writeFileSync(path.join(place, slot, name), content);
  // The address says what the file holds, so that a browser which has it need not ask again.
  const version = createHash("md5").update(content).digest("hex").slice(0, 8);
  const url = `models/${slot}/${encodeURIComponent(name)}?v=${version}`;
  listed[slot] = { name, url, bytes: content.length };
}
fs.writeFileSync(path.join(app, "public", "models.json"), `${JSON.stringify(listed, null, 2)}\n`);
