// Serves dist/ on this machine alone: node scripts/serve.mjs [PORT]
// Any web server can do this; the folder needs no special headers.
import fs from "node:fs";
import http from "node:http";
import path from "node:path";
import { fileURLToPath } from "node:url";

const DIST = path.join(path.dirname(fileURLToPath(import.meta.url)), "..", "dist");
const TYPES = {
  ".css": "text/css; charset=utf-8",
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".json": "application/json",
  ".png": "image/png",
  ".svg": "image/svg+xml",
  ".wasm": "application/wasm",
  ".webmanifest": "application/manifest+json",
};

/** Returns the file of an address, or null where there is none inside the folder. */
function fileOf(folder, address) {
  let name;
  try {
    name = decodeURIComponent(new URL(address, "http://localhost").pathname);
  } catch {
    return null;
  }
  const file = path.join(folder, name.endsWith("/") ? `${name}index.html` : name);
  const isInside = file.startsWith(folder + path.sep) && !file.includes("\0");
  return isInside && fs.statSync(file, { throwIfNoEntry: false })?.isFile() ? file : null;
}

/** Starts a server of a folder at 127.0.0.1; resolves to it when it listens. */
export function serve(folder, port) {
  const server = http.createServer((request, response) => {
    const file = ["GET", "HEAD"].includes(request.method) ? fileOf(folder, request.url) : null;
    if (!file) return response.writeHead(404, { "content-type": "text/plain" }).end("not found\n");
    const { size, mtimeMs } = fs.statSync(file);
    const tag = `"${size.toString(36)}-${Math.round(mtimeMs).toString(36)}"`;
    const headers = {
      "content-type": TYPES[path.extname(file)] ?? "application/octet-stream",
      // May be kept but is asked for each time, unless its address says what it holds.
      "cache-control": request.url.includes("?v=") ? "max-age=31536000, immutable" : "no-cache",
      "x-content-type-options": "nosniff",
      etag: tag,
    };
    if (request.headers["if-none-match"] === tag) return response.writeHead(304, headers).end();
    response.writeHead(200, { ...headers, "content-length": size });
    if (request.method === "HEAD") return response.end();
    fs.createReadStream(file).on("error", () => response.destroy()).pipe(response);
  });
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, "127.0.0.1", () => resolve(server));
  });
}

function fail(line) {
  console.error(line);
  process.exit(2);
}

async function main() {
  const port = Number(process.argv[2] ?? 8080);
  if (!Number.isInteger(port) || port < 1 || port > 65535)
    fail(`port ${process.argv[2]}: not a number from 1 to 65535`);
  if (!fs.existsSync(path.join(DIST, "index.html"))) fail("dist/ is missing: run npm run build first");
  try {
    await serve(DIST, port);
  } catch (error) {
    if (error.code !== "EADDRINUSE") fail(`port ${port}: ${error.message}`);
    fail(`port ${port} is in use: take another one, make web PORT=${port + 1}`);
  }
  console.log(`The page is at http://127.0.0.1:${port}/ (Ctrl-C ends it)`);
}

if (path.resolve(process.argv[1] ?? "") === fileURLToPath(import.meta.url)) await main();
