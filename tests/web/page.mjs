// Uses the built page of apps/web in headless Chromium: node page.mjs EXPECTED.json
// Prints a line of JSON for each check: its name and what differs from what is expected, [] if nothing.
import fs from "node:fs";
import { checks as answers } from "./checks_answers.mjs";
import { checks as badInput } from "./checks_bad_input.mjs";
import { checks as looks } from "./checks_looks.mjs";
import { checks as use } from "./checks_use.mjs";
import { launch, NOT_KEPT, openContext, startServer } from "./harness.mjs";

const CHECKS = { ...answers, ...badInput, ...looks, ...use };
const [file, ...names] = process.argv.slice(2);
if (file === "--names") {
  for (const name of Object.keys(CHECKS)) console.log(name);
  process.exit();
}
const expected = JSON.parse(fs.readFileSync(file, "utf8"));
const { server, address } = await startServer();
const browser = await launch();
for (const name of names.length ? names : Object.keys(CHECKS)) {
  const faults = [];
  const started = performance.now();
  let found;
  const context = await openContext(browser, address, { ...NOT_KEPT, viewport: { width: 1100, height: 800 } }, faults);
  try {
    found = await CHECKS[name]({ browser, context, address, expected, faults });
  } catch (error) {
    found = [String(error.stack ?? error).slice(0, 1500)];
  }
  await context.close();
  const seconds = Math.round(performance.now() - started) / 1000;
  console.log(JSON.stringify({ name, differences: [...found, ...faults], seconds }));
}
await browser.close();
server.close();
