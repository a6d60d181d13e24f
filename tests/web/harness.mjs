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

export async function startServer(port = 0, folder = path.join(APP, "dist")) {
  const server = await serve(folder, port);
  return { server, address: `http://127.0.0.1:${server.address().port}/` };
}

export function launch() {
  return chromium.launch({
    executablePath: "/usr/bin/chromium",
    args: ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"],
  });
}

// For checks that are not about being kept: to keep all models each time takes seconds.
export const NOT_KEPT = { serviceWorkers: "block" };

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
    if (message.type() === "error") faults.push(`console: ${message.text()}`);
  });
  await context.addInitScript(() => {
    addEventListener("securitypolicyviolation", (event) =>
      console.error(`policy: ${event.violatedDirective} ${event.blockedURI}`),
    );
  });
  return context;
}

/** Opens the page at a tab, and waits until the tab's model is there. */
export async function openPage(context, address, slot) {
  const page = await context.newPage();
  page.setDefaultTimeout(60_000);
  await page.goto(`${address}#${slot}`);
  await page.waitForSelector(`#panel_${slot}:not([hidden]):not([aria-busy])`);
  return page;
}

/** Opens a model through the tab's file dialog; returns the line about it, or that of the error. */
export async function openModel(page, file) {
  const panel = page.locator("[role=tabpanel]:visible");
  const [dialog] = await Promise.all([
    page.waitForEvent("filechooser"),
    panel.getByRole("button", { name: "Use your own" }).click(),
  ]);
  await dialog.setFiles(file);
  await page.waitForSelector("[role=tabpanel][aria-busy]", { state: "detached" });
  const shown = page.locator("[role=tabpanel]:visible");
  const error = shown.locator(".model [role=alert]");
  return (await error.isVisible()) ? error.innerText() : shown.locator(".model_facts").innerText();
}

/** Drops files, [name, content] each, on the page with a mouse. */
export async function drop(page, ...files) {
  const data = await page.evaluateHandle(
    (given) => {
      const transfer = new DataTransfer();
      for (const [name, content] of given)
        transfer.items.add(new File([Uint8Array.from(atob(content), (c) => c.charCodeAt(0))], name));
      return transfer;
    },
    files.map(([name, content]) => [name, Buffer.from(content).toString("base64")]),
  );
  for (const type of ["dragenter", "dragover", "drop"]) await page.dispatchEvent("main", type, { dataTransfer: data });
}

/** Asks, and returns what the page shows: {text, marked, candidates, under} or {error}. */
export async function ask(page, question, passage) {
  if (passage !== undefined) {
    if (await page.isVisible("#passage_edit")) await page.click("#passage_edit");
    await page.fill("#passage", passage);
  }
  await page.fill("#question", question);
  await page.press("#question", "Enter");
  await page.waitForSelector("#answer p, #question_error:visible, #passage_error:visible");
  if (await page.isVisible("#question_error")) return { error: await page.innerText("#question_error") };
  if (await page.isVisible("#passage_error")) return { error: await page.innerText("#passage_error") };
  return page.evaluate(() => {
    const all = (selector) => [...document.querySelectorAll(selector)];
    const mark = document.querySelector("#passage_read mark");
    return {
      text: document.querySelector(".answer_text").textContent,
      under: document.querySelector("#answer .under").textContent,
      // Where it is in the passage, not only what it says.
      marked: mark && [mark.previousSibling.length, mark.previousSibling.length + mark.textContent.length],
      candidates: all(".candidate").map((each) => [...each.children].map((part) => part.textContent)),
    };
  });
}

/** Types a text into the tab of classes; returns [label, percent] in the order of the bars. */
export async function classify(page, text) {
  await page.fill("#text_a", text);
  await page.waitForSelector("#classified:not([aria-busy]), #classify_error:visible");
  if (await page.isVisible("#classify_error")) return { error: await page.innerText("#classify_error") };
  return page.evaluate(() =>
    [...document.querySelectorAll("#classified li")].map((row) => [
      row.querySelector(".bar_name").textContent,
      row.querySelector(".bar_value").textContent,
    ]),
  );
}

/** Types a text to be tagged; returns the marked slices: [start, end, type]. */
export async function tag(page, text) {
  await page.fill("#text_tag", text);
  await page.waitForSelector("#tagged:not([aria-busy]), #tag_error:visible");
  if (await page.isVisible("#tag_error")) return { error: await page.innerText("#tag_error") };
  return page.evaluate(() => {
    const found = [];
    let place = 0;
    for (const node of document.querySelector("#tagged").childNodes) {
      const type = node.querySelector?.(".type")?.textContent ?? "";
      const length = node.textContent.length - type.length;
      if (type) found.push([place, place + length, type]);
      place += length;
    }
    return found;
  });
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
