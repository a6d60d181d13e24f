// Takes the pictures of the page for the README, with the shipped models: node pictures.mjs FOLDER
// A tab whose model is not there yet has no picture.
import path from "node:path";
import { launch, openContext, openPage, startServer } from "./harness.mjs";

const folder = process.argv[2];
if (!folder) {
  console.error("which folder? node tests/web/pictures.mjs docs/pictures");
  process.exit(2);
}
const READY = {
  ask: "#passage_read mark",
  classify: "#classified:not([aria-busy]) .first",
  tag: "#tagged:not([aria-busy]) mark",
};
const { server, address } = await startServer();
const browser = await launch();
for (const [slot, ready] of Object.entries(READY)) {
  const options = { viewport: { width: 1020, height: 780 }, reducedMotion: "reduce" };
  const context = await openContext(browser, address, options);
  const page = await openPage(context, address, slot);
  if (/^This copy/.test(await page.innerText(`#model_${slot} .model_facts`))) {
    console.log(`no model for ${slot}`);
  } else {
    await page.locator(`#examples_${slot} button`).first().click();
    await page.waitForSelector(ready);
    await page.waitForFunction(() => document.querySelector("#offline").textContent);
    await page.evaluate(() => document.activeElement.blur());
    const file = path.join(folder, `web_${slot}.png`);
    await page.screenshot({ path: file });
    console.log(file);
  }
  await context.close();
}
await browser.close();
server.close();
