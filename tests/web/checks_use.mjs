// Keyboards, screen readers, no network, other hosts: who uses the page, and how.
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { differences } from "./checks_answers.mjs";
import {
  APP, classify, drop, NOT_KEPT, openContext, openModel, openPage, picture, startServer,
} from "./harness.mjs"; // prettier-ignore

export const checks = {
  /** A user's file is opened while the tab that it belongs to begins to load the shipped one. */
  async "prefers the user's file to the shipped one"({ browser, address, faults }) {
    const context = await openContext(browser, address, NOT_KEPT, faults);
    const body = fs.readFileSync(path.join(path.dirname(fileURLToPath(import.meta.url)), "fake_worker.js"));
    await context.route("**/worker-*.js", (route) => route.fulfill({ body, contentType: "text/javascript" }));
    const page = await openPage(context, address, "tag");
    await page.evaluate(() => addEventListener("drop", () => setTimeout(() => (location.hash = "classify"), 40)));
    await drop(page, ["own.tflite", "topics"]);
    await page.waitForSelector("#model_classify .model_facts:has-text('own.tflite')");
    await page.waitForTimeout(300);
    const facts = await page.innerText("#model_classify .model_facts");
    await context.close();
    return facts.startsWith("own.tflite") ? [] : [facts];
  },

  async "says so where the browser does not keep the page"({ browser, address }) {
    // The browser itself complains of what did not come, so these faults do not count.
    const context = await openContext(browser, address);
    await context.route("**/icon-512-filled.png*", (route) => route.abort());
    const page = await openPage(context, address, "classify");
    await page.waitForFunction(() => document.querySelector("#offline").textContent !== "");
    const line = await page.innerText("#offline");
    await context.close();
    return /^This browser did not keep the page/.test(line) ? [] : [line];
  },

  async "works by the keyboard alone"({ context, address, expected }) {
    const page = await openPage(context, address, "ask");
    await openModel(page, expected.ask.file);
    const asked = expected.ask.cases.find(({ text, candidates }) => text && candidates.length > 1);
    const focused = () => page.evaluate(() => document.activeElement.id || document.activeElement.className);
    const until = async (name) => {
      for (let i = 0; i < 30; i++) {
        if ((await focused()) === name) return;
        await page.keyboard.press("Tab");
      }
      throw new Error(`the Tab key does not reach ${name}, but ${await focused()}`);
    };
    await page.evaluate(() => document.activeElement.blur());
    await until("tab_ask");
    await page.keyboard.press("ArrowRight");
    const found = differences("arrow", [await focused(), await page.isVisible("#panel_classify")], ["tab_classify", true]);
    await page.keyboard.press("End");
    found.push(...differences("End", await focused(), "tab_tag"));
    await page.keyboard.press("ArrowRight");
    found.push(...differences("around", [await focused(), await page.isVisible("#panel_ask")], ["tab_ask", true]));
    await until("passage");
    await page.keyboard.insertText(asked.passage);
    await until("question");
    await page.keyboard.insertText(asked.question);
    await page.keyboard.press("Enter");
    await page.waitForSelector(".answer_text");
    found.push(...differences("answer", await page.textContent(".answer_text"), asked.text));
    await until("candidate");
    await page.keyboard.press("Tab");
    await page.keyboard.press("Enter");
    const marked = await page.textContent("#passage_read mark");
    return [...found, ...differences("chosen", marked, asked.candidates[1][0])];
  },

  /** Typed text has its bars; what is heard is said once, after a rest. */
  async "follows typing, and speaks when it rests"({ context, address, expected }) {
    const page = await openPage(context, address, "classify");
    const { text, best } = expected.classify[0];
    await page.evaluate(() => {
      globalThis.spoken = [];
      new MutationObserver(() => spoken.push(document.querySelector("#classify_spoken").textContent)).observe(
        document.querySelector("#classify_spoken"), { childList: true },
      );
    });
    await page.locator("#text_a").pressSequentially(text, { delay: 15 });
    await page.waitForSelector("#classified:not([aria-busy])");
    const found = differences("bars", await page.getAttribute("#classified", "data-characters"), String(text.length));
    found.push(...differences("first", await page.innerText("#classified .first .bar_name"), best));
    await page.waitForFunction(() => document.querySelector("#classify_spoken").textContent !== "");
    const spoken = (await page.evaluate(() => globalThis.spoken)).filter((line) => line);
    if (spoken.length !== 1 || !spoken[0].startsWith(best)) found.push(`spoken: ${JSON.stringify(spoken)}`);
    return found;
  },

  /** A copy of the page, under another path, which is closed, opened again without a network, and then renewed. */
  async "works without a network, and offers a newer page"({ browser, expected, faults }) {
    const root = fs.mkdtempSync(path.join(os.tmpdir(), "page"));
    const copy = path.join(root, "under", "a path");
    fs.cpSync(path.join(APP, "dist"), copy, { recursive: true });
    let { server, address } = await startServer(0, root);
    const { port } = server.address();
    const context = await openContext(browser, address, {}, faults);
    const page = await openPage(context, `${address}under/a%20path/`, "classify");
    const { text } = expected.classify[0];
    const before = await classify(page, text);
    await page.waitForFunction(() => document.querySelector("#offline").textContent.startsWith("Kept"));
    await new Promise((resolve) => (server.close(resolve), server.closeAllConnections()));
    await context.setOffline(true);
    await page.reload();
    await page.waitForSelector("#model_classify .model_facts:has-text('sentiment')");
    await page.waitForSelector("#panel_classify:not([aria-busy])");
    const found = differences("without a network", await classify(page, text), before);

    await context.setOffline(false);
    fs.appendFileSync(path.join(copy, "service_worker.js"), "\n// a newer one\n");
    ({ server, address } = await startServer(port, root));
    await page.evaluate(async () => (await navigator.serviceWorker.ready).update());
    await page.waitForSelector("#update:visible");
    found.push(...differences("kept", await page.inputValue("#text_a"), text));
    await picture(page, "update");
    await Promise.all([page.waitForEvent("load"), page.click("#update button")]);
    await page.waitForSelector("#panel_classify:not([aria-busy])");
    found.push(...differences("renewed", await page.isVisible("#update"), false));
    found.push(...differences("after it", await classify(page, text), before));
    await context.close();
    server.close();
    fs.rmSync(root, { recursive: true });
    return found;
  },

  /** As Safari, which has no relaxed SIMD; the browser's worker still takes the usual build. */
  async "keeps the build of the runtime that fits the browser"({ browser, address, faults }) {
    const context = await openContext(browser, address, {}, faults);
    await context.addInitScript(() => {
      const { validate } = WebAssembly;
      WebAssembly.validate = (bytes) => bytes.length !== 36 && validate(bytes);
    });
    const page = await openPage(context, address, "classify");
    await page.waitForFunction(() => document.querySelector("#offline").textContent.startsWith("Kept"));
    const kept = await page.evaluate(async () =>
      (await (await caches.open("litert")).keys()).map(({ url }) => url.split("/").pop()).sort(),
    );
    await context.close();
    return differences("kept", kept, ["litert_wasm_compat_internal.js", "litert_wasm_compat_internal.wasm"]);
  },

  /** What watches the page sees what it must see: this check makes the faults itself. */
  async "refuses and reports other hosts"({ browser, address }) {
    const faults = [];
    const context = await openContext(browser, address, NOT_KEPT, faults);
    const page = await openPage(context, address, "classify");
    const outcome = await page.evaluate(async () => {
      const refused = await fetch("http://localhost:9/").then(() => "sent", () => "refused");
      const image = await new Promise((resolve) => {
        const element = new Image();
        element.onload = () => resolve("loaded");
        element.onerror = () => resolve("refused");
        element.src = "http://localhost:9/x.png";
      });
      return [refused, image];
    });
    await page.waitForTimeout(200);
    await context.close();
    const policies = faults.filter((fault) => /policy: (connect|img)-src/.test(fault)).length;
    return [...differences("outcome", outcome, ["refused", "refused"]), ...differences("reports", policies, 2)];
  },

  async "says so where the browser cannot run it"({ browser, address, faults }) {
    const context = await openContext(browser, address, NOT_KEPT, faults);
    await context.addInitScript(() => (WebAssembly.validate = () => false));
    const page = await context.newPage();
    await page.goto(address);
    await page.waitForFunction(() => document.querySelector("#starting").textContent.includes("cannot run"));
    const line = await page.innerText("#starting");
    await context.close();
    return /^This browser cannot run the models: it has no WebAssembly with SIMD/.test(line) ? [] : [line];
  },
};
