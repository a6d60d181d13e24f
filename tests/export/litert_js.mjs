// Runs .tflite files with LiteRT.js in headless Chromium.
// node litert_js.mjs FOLDER_WITH_NODE_MODULES INPUTS.json FILE.tflite ...
// Prints a line for each file: the outputs of each row by name, or {"error": ...}.
import fs from "node:fs";
import http from "node:http";
import path from "node:path";
import { createRequire } from "node:module";

const [folder, inputsFile, ...files] = process.argv.slice(2);
const { chromium } = createRequire(path.resolve(folder, "x.js"))("playwright-core");
const types = { ".js": "text/javascript", ".wasm": "application/wasm" };
const imports = Object.fromEntries(
  ["core", "wasm-utils"].map((n) => [`@litertjs/${n}`, `/node_modules/@litertjs/${n}/dist/index.js`]),
);
const page_ = `<!doctype html><script type="importmap">${JSON.stringify({ imports })}</script>`;

const server = http.createServer((request, response) => {
  const name = new URL(request.url, "http://x").pathname;
  if (name === "/") return response.setHeader("content-type", "text/html").end(page_);
  const place = name.startsWith("/file/") ? files[name.slice(6)] : path.join(folder, name);
  if (!place || !fs.existsSync(place)) return response.writeHead(404).end();
  response.setHeader("content-type", types[path.extname(place)] ?? "application/octet-stream");
  fs.createReadStream(place).pipe(response);
});
await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
const browser = await chromium.launch({
  executablePath: "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"],
});
const page = await browser.newPage();
const origin = `http://127.0.0.1:${server.address().port}`;
// What a page asks of other machines is refused, and named.
await page.route("**", (route) =>
  route.request().url().startsWith(origin) ? route.continue() : route.abort(),
);
page.on("requestfailed", (r) => console.error(`request failed: ${r.url()}`));
await page.goto(origin);

async function run([number, inputs]) {
  const { loadAndCompile, loadLiteRt, Tensor } = await import("@litertjs/core");
  globalThis.loaded ??= loadLiteRt("/node_modules/@litertjs/core/wasm/");
  await globalThis.loaded;
  try {
    const model = await loadAndCompile(`/file/${number}`, { accelerator: "wasm" });
    const names = model.getInputDetails().map((each) => each.name);
    const count = inputs[names[0]].length;
    const results = {};
    for (let row = 0; row < count; row++) {
      const tensors = Object.fromEntries(
        names.map((name) => {
          const values = Int32Array.from(inputs[name][row]);
          return [name, new Tensor(values, [1, values.length])];
        }),
      );
      const outputs = await model.run(tensors);
      for (const [name, tensor] of Object.entries(outputs))
        (results[name] ??= []).push(Array.from(tensor.toTypedArray()));
      for (const tensor of [...Object.values(tensors), ...Object.values(outputs)]) tensor.delete();
    }
    model.delete();
    return results;
  } catch (error) {
    return { error: String(error) };
  }
}
const inputs = JSON.parse(fs.readFileSync(inputsFile));
for (const number of files.keys()) console.log(JSON.stringify(await page.evaluate(run, [number, inputs])));
await browser.close();
server.close();
