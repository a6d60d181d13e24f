// Asks the page's built worker in headless Chromium.
// node ask_worker.mjs APP_FOLDER REQUESTS.json [--chromium=FLAG ...]
// REQUESTS.json is a list of messages of protocol.ts without ids. A "load" may have "path", a file of
// this machine, in place of url and file. All are sent at once, but {"kind": "wait"} waits for all
// replies so far, and a "cancel" with "after" for so many messages of progress of its target. Prints a
// line for each other request: its last reply, with "progress", the number of messages of progress
// before it, and "order", the number of replies before it. Requests to other hosts are refused.
import fs from "node:fs";
import http from "node:http";
import path from "node:path";
import { createRequire } from "node:module";

const [app, requestsFile, ...flags] = process.argv.slice(2);
const { chromium } = createRequire(path.resolve(app, "x.js"))("playwright-core");
const dist = path.resolve(app, "dist");
const requests = JSON.parse(fs.readFileSync(requestsFile, "utf8"));
const TYPES = {
  ".html": "text/html", ".js": "text/javascript", ".wasm": "application/wasm", ".json": "application/json",
};
const CSP = "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'";

const server = http.createServer((request, response) => {
  const name = decodeURIComponent(new URL(request.url, "http://x").pathname);
  response.setHeader("content-security-policy", CSP);
  if (name === "/") return response.setHeader("content-type", "text/html").end("<!doctype html><title>test</title>");
  const place = name.startsWith("/path/") ? requests[Number(name.slice(6))].path : path.join(dist, name);
  if (!fs.existsSync(place) || !fs.statSync(place).isFile()) return response.writeHead(404).end();
  response.setHeader("content-type", TYPES[path.extname(place)] ?? "application/octet-stream");
  response.setHeader("content-length", fs.statSync(place).size);
  return fs.createReadStream(place).pipe(response);
});
await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
const origin = `http://127.0.0.1:${server.address().port}`;
const browser = await chromium.launch({
  executablePath: "/usr/bin/chromium",
  args: [
    "--no-sandbox", "--disable-dev-shm-usage",
    ...(flags.length ? flags.map((flag) => flag.replace("--chromium=", "")) : ["--disable-gpu"]),
  ],
});
const page = await browser.newPage();
await page.route("**", (route) =>
  route.request().url().startsWith(origin) ? route.continue() : route.abort(),
);
page.on("requestfailed", (request) => console.error(`request failed: ${request.url()}`));
if (process.env.SHOW_CONSOLE) page.on("console", (message) => console.error(message.text()));
await page.goto(origin);

/** Runs in the page: sends the requests and returns their last replies. */
async function ask([worker, requests]) {
  const engine = new Worker(worker);
  const replies = requests.map(() => ({ progress: 0, order: 0 }));
  let order = 0;
  const ended = [];
  const ends = replies.map((_, id) => new Promise((resolve) => (ended[id] = resolve)));
  engine.onerror = (event) => ended.forEach((end, id) => end((replies[id].reply ??= { kind: "crash", message: event.message })));
  engine.onmessage = ({ data }) => {
    if (data.kind === "progress") replies[data.id].progress++;
    else {
      replies[data.id].order = order++;
      ended[data.id]((replies[data.id].reply = data));
    }
  };
  const turn = () => new Promise((resolve) => setTimeout(resolve, 5));
  const sent = [];
  for (const [id, { path, ...request }] of requests.entries()) {
    if (request.kind === "wait") await Promise.all(sent);
    else if (request.kind === "cancel") {
      while (replies[request.target].progress < (request.after ?? 0)) await turn();
      engine.postMessage({ id, kind: "cancel", target: request.target });
    }
    else {
      sent.push(ends[id]);
      if (path && request.slot === "dropped") {
        request.file = await (await fetch(`/path/${id}`)).arrayBuffer();
      } else if (path) request.url = `/path/${id}`;
      engine.postMessage({ id, ...request }, request.file ? [request.file] : []);
    }
  }
  await Promise.all(sent);
  engine.terminate();
  return replies.map(({ reply, ...counts }) => reply && { ...reply, ...counts });
}
const worker = fs.readdirSync(path.join(dist, "assets")).find((name) => /^worker-.*\.js$/.test(name));
const replies = await page.evaluate(ask, [`/assets/${worker}`, requests]);
for (const [id, reply] of replies.entries())
  if (!["wait", "cancel"].includes(requests[id].kind)) console.log(JSON.stringify(reply));
await browser.close();
server.close();
