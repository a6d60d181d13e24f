// Our page's engine and transformers.js in one headless Chromium, in turns.
// node side_by_side.mjs PLAN.json: the plan is written by side_by_side.py; prints JSON lines.
import fs from "node:fs";
import http from "node:http";
import path from "node:path";
import { createRequire } from "node:module";

const plan = JSON.parse(fs.readFileSync(process.argv[2]));
const { chromium } = createRequire(path.join(plan.packages, "x.js"))("playwright-core");
const TYPES = {
  ".html": "text/html",
  ".js": "text/javascript",
  ".mjs": "text/javascript",
  ".json": "application/json",
  ".wasm": "application/wasm",
};
// Where each address of the server comes from.
const FOLDERS = {
  "/bench/": import.meta.dirname,
  "/ours/": plan.dist,
  "/packages/": path.join(plan.packages, "node_modules"),
  "/files/": plan.files,
};

let sent = 0; // bytes that the server sent since the last reset

const server = http.createServer((request, response) => {
  const name = decodeURIComponent(new URL(request.url, "http://x").pathname);
  const start = Object.keys(FOLDERS).find((each) => name.startsWith(each));
  const place = start && path.join(FOLDERS[start], name.slice(start.length));
  if (!place || !fs.existsSync(place) || !fs.statSync(place).isFile())
    return response.writeHead(404).end();
  const { size, mtimeMs } = fs.statSync(place);
  const etag = `"${size}-${mtimeMs}"`;
  response.setHeader("etag", etag);
  response.setHeader("cache-control", "no-cache"); // kept by the browser, asked for by its tag
  if (request.headers["if-none-match"] === etag) return response.writeHead(304).end();
  response.setHeader("content-type", TYPES[path.extname(place)] ?? "application/octet-stream");
  response.setHeader("content-length", size);
  sent += size;
  fs.createReadStream(place).pipe(response);
});
await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
const origin = `http://127.0.0.1:${server.address().port}`;

/** Private memory of the browser's heaviest process, in bytes: the page's with its worker. */
function pageMemory(pid) {
  const processes = fs.readdirSync("/proc").filter((name) => /^\d+$/.test(name));
  const read = (name, file) => {
    try {
      return fs.readFileSync(`/proc/${name}/${file}`, "utf8");
    } catch {
      return ""; // it has ended
    }
  };
  const parents = new Map(processes.map((p) => [p, /^PPid:\s+(\d+)/m.exec(read(p, "status"))?.[1]]));
  const isOurs = (p) => p === String(pid) || (parents.has(p) && isOurs(parents.get(p)));
  const sizes = processes
    .filter((p) => isOurs(p) && read(p, "cmdline").includes("--type=renderer"))
    .map((p) => Number(/^RssAnon:\s+(\d+)/m.exec(read(p, "status"))?.[1] ?? 0) * 1024);
  return Math.max(0, ...sizes);
}

/** Opens one side in its own browser, twice: with an empty cache and with a filled one. */
async function open(side, task) {
  const profile = fs.mkdtempSync(path.join(plan.files, "profile-"));
  const browser = await chromium.launchPersistentContext(profile, {
    executablePath: "/usr/bin/chromium",
    args: ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"],
  });
  const address = `${origin}/bench/${side}.html?task=${task}`;
  const result = {};
  let page;
  for (const when of ["cold", "warm"]) {
    page = await browser.newPage();
    page.on("pageerror", (error) => console.error(`${side}: ${error}`));
    page.on("request", (request) => {
      if (!request.url().startsWith(origin) && !/^(blob|data):/.test(request.url()))
        console.error(`${side}: asked another host: ${request.url()}`);
    });
    sent = 0;
    const start = performance.now();
    await page.goto(address);
    result.answer = await page.evaluate(([t, a]) => globalThis.first(t, a), [task, plan.first[task]]);
    result[`${when}_ms`] = performance.now() - start;
    result[`${when}_bytes`] = sent;
    if (when === "cold") await page.close();
  }
  return { browser, page, result, profile, pid: rootProcess(profile) };
}

/** The browser is found by its profile: Playwright does not say a persistent context's process. */
function rootProcess(profile) {
  for (const name of fs.readdirSync("/proc").filter((each) => /^\d+$/.test(each))) {
    try {
      const line = fs.readFileSync(`/proc/${name}/cmdline`, "utf8");
      if (line.includes(`--user-data-dir=${profile}`) && !line.includes("--type=")) return name;
    } catch {
      // it has ended
    }
  }
  return "0";
}

for (const task of plan.tasks) {
  const sides = {};
  for (const side of ["ours", "theirs"]) sides[side] = await open(side, task);
  const times = { ours: [], theirs: [] };
  for (let round = 0; round < plan.rounds; round++)
    for (const side of round % 2 ? ["theirs", "ours"] : ["ours", "theirs"])
      times[side].push(
        ...(await sides[side].page.evaluate(([t, a, n]) => globalThis.timed(t, a, n), [
          task,
          plan.timed[task],
          plan.repeats,
        ])),
      );
  for (const [side, { browser, result, profile, pid }] of Object.entries(sides)) {
    const memory = pageMemory(pid);
    console.log(JSON.stringify({ task, side, ...result, memory, times: times[side] }));
    await browser.close();
    fs.rmSync(profile, { recursive: true });
  }
}
server.close();
