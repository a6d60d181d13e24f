// Opens the built page in headless Chromium, and watches what it must not do.
import fs from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import { fileURLToPath } from "node:url";

export const APP = path.join(path.dirname(fileURLToPath(import.meta.url)), "../../apps/web");
export const require_ = createRequire(path.join(APP, "package.json"));
const { chromium } = require_("playwright-core");
const { serve } = await import(path.join(APP, "scripts/serve.mjs"));
const PICTURES = process.env.WEB_PICTURES;

export async function startServer(port = 0) {
  const server = await serve(path.join(APP, "dist"), port);
  return { server, address: `http://127.0.0.1:${server.address().port}/` };
}

export function launch() {
  return chromium.launch({
    executablePath: "/usr/bin/chromium",
    args: ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"],
  });
}

/** Opens a context whose pages report to `faults`: errors, other hosts, what the policy refused. */
export async function openContext(browser, address, options = {}, faults = []) {
  const context = await browser.newContext({ locale: "en", ...options });
  // Sees what a service worker asks for, too.
  context.on("request", (request) => {
    const url = request.url();
    if (!url.startsWith(address) && !/^(data|blob):/.test(url)) faults.push(`asked for ${url}`);
  });
  context.on("weberror", (error) => faults.push(`error: ${error.error()}`));
  context.on("console", (message) => {
    if (["error", "warning"].includes(message.type())) faults.push(`console: ${message.text()}`);
  });
  await context.addInitScript(() => {
    addEventListener("securitypolicyviolation", (event) =>
      console.error(`policy: ${event.violatedDirective} ${event.blockedURI}`),
    );
  });
  return context;
}

/** Writes a picture of the page where WEB_PICTURES says, if it does. */
export async function picture(page, name) {
  if (!PICTURES) return;
  fs.mkdirSync(PICTURES, { recursive: true });
  await page.screenshot({ path: path.join(PICTURES, `${name}.png`) });
}

/** Returns the serious findings of axe-core about what the page shows now, one line each. */
export async function seriousFindings(page) {
  // As a file it would be against the page's policy; the debugger's own way is not.
  await page.evaluate(fs.readFileSync(require_.resolve("axe-core/axe.min.js"), "utf8"));
  const { violations } = await page.evaluate(() => globalThis.axe.run());
  return violations
    .filter(({ impact }) => ["serious", "critical"].includes(impact))
    .map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 120)).join(" | ")}`);
}
