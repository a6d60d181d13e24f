// How long a key takes to reach the bars of the page: types 30 words into the tab "Classify" in
// headless Chromium, and prints percentiles of the time from each key to the first bars that are
// of a text with it, as they are on the screen.
//
//   make web-build && node benchmarks/speed/typing_latency.mjs [MILLISECONDS BETWEEN KEYS] [FILE.tflite]
//
// Run it on a quiet machine. Without a file it is the shipped classifier.
import { launch, openContext, openModel, openPage, startServer } from "../../tests/web/harness.mjs";

const SENTENCE =
  "I went to see this film on a rainy evening without expecting much, and I left two hours later " +
  "with a smile, a new favourite actor and much to remember.";
const [delay = "80", file] = process.argv.slice(2);

const { server, address } = await startServer();
const browser = await launch();
const context = await openContext(browser, address, { viewport: { width: 1100, height: 800 } });
const page = await openPage(context, address, "classify");
if (file) await openModel(page, file);
// The page is kept for later in the background; that is not what is measured.
await page.waitForFunction(() => document.querySelector("#offline").textContent);
await page.fill("#text_a", "The first run is slower.");
await page.waitForSelector("#classified:not([aria-busy])");
await page.fill("#text_a", "");

await page.evaluate(() => {
  const bars = document.querySelector("#classified");
  const field = document.querySelector("#text_a");
  globalThis.keys = [];
  field.addEventListener("keydown", (event) => {
    globalThis.keys.push({ at: event.timeStamp, characters: field.value.length + 1, ms: null });
  });
  new MutationObserver(() => {
    const shown = Number(bars.dataset.characters);
    // The frame is on the screen when the task after it begins.
    requestAnimationFrame(() =>
      setTimeout(() => {
        for (const key of globalThis.keys)
          if (key.ms === null && key.characters <= shown) key.ms = performance.now() - key.at;
      }),
    );
  }).observe(bars, { attributeFilter: ["data-characters"] });
});
await page.locator("#text_a").pressSequentially(SENTENCE, { delay: Number(delay) });
await page.waitForFunction(() => globalThis.keys.every(({ ms }) => ms !== null));
const times = (await page.evaluate(() => globalThis.keys.map(({ ms }) => ms))).sort((a, b) => a - b);
const percentile = (share) => times[Math.min(times.length - 1, Math.floor(share * times.length))];
const model = await page.innerText("#model_classify .model_facts");
console.log(model.replaceAll("\u00a0", " "));
console.log(`${SENTENCE.split(" ").length} words, ${times.length} keys, one each ${delay} ms or later`);
for (const [name, share] of [["p50", 0.5], ["p95", 0.95], ["p99", 0.99], ["most", 1]])
  console.log(`${name.padEnd(5)}${percentile(share).toFixed(1).padStart(7)} ms`);
console.log(`last model run: ${await page.innerText("#classify_ms")}`);
await browser.close();
server.close();
