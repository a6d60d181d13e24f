// What the page looks like: phones, axe, other kinds of answers, the system's colours, paper.
import fs from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { differences } from "./checks_answers.mjs";
import {
  ask, classify, NOT_KEPT, openContext, openModel, openPage, picture, seriousFindings, tag,
} from "./harness.mjs"; // prettier-ignore

/** Fills all tabs, and calls a function on each; the pictures are named by the way of use. */
async function onEachTab(page, expected, name, look) {
  const found = [];
  const asked = expected.ask.cases.find(({ text }) => text);
  await openModel(page, expected.ask.file);
  await ask(page, asked.question, asked.passage);
  await page.waitForTimeout(300); // the marked slice comes into sight
  found.push(...(await look("ask")));
  await picture(page, `${name}_ask`);
  await page.click("#tab_tag");
  await openModel(page, expected.tag.file);
  await tag(page, expected.tag.cases.find(({ entities }) => entities.length > 1).text);
  found.push(...(await look("tag")));
  await picture(page, `${name}_tag`);
  await page.click("#tab_classify");
  await page.waitForSelector("#panel_classify:not([aria-busy])");
  await classify(page, expected.classify[0].text);
  await page.waitForTimeout(200); // the bars stand still
  found.push(...(await look("classify")));
  await picture(page, `${name}_classify`);
  await openModel(page, expected.badFiles[0][0]);
  found.push(...(await look("an error")));
  return found;
}

export const checks = {
  async "fits a phone without sideways scroll"({ browser, address, expected, faults }) {
    const phone = { viewport: { width: 360, height: 740 }, isMobile: true, hasTouch: true, deviceScaleFactor: 2, ...NOT_KEPT };
    const context = await openContext(browser, address, phone, faults);
    const page = await openPage(context, address, "ask");
    const found = await onEachTab(page, expected, "phone", async (where) => {
      const width = await page.evaluate(() => document.documentElement.scrollWidth);
      return differences(where, width, 360);
    });
    await context.close();
    return found;
  },

  async "has no serious finding of axe, light or dark"({ browser, address, expected, faults }) {
    const found = [];
    for (const colorScheme of ["light", "dark"]) {
      const options = { colorScheme, reducedMotion: "reduce", viewport: { width: 1100, height: 800 }, ...NOT_KEPT };
      const context = await openContext(browser, address, options, faults);
      const page = await openPage(context, address, "ask");
      found.push(...(await seriousFindings(page)));
      found.push(...(await onEachTab(page, expected, colorScheme, () => seriousFindings(page))));
      await context.close();
    }
    return found;
  },

  /** Kinds of answers that take a large model or many labels; the worker is a made-up one. */
  async "draws the answers of other kinds of models"({ browser, address, faults }) {
    const context = await openContext(browser, address, { ...NOT_KEPT, viewport: { width: 1100, height: 800 } }, faults);
    const body = fs.readFileSync(path.join(path.dirname(fileURLToPath(import.meta.url)), "fake_worker.js"));
    await context.route("**/worker-*.js", (route) => route.fulfill({ body, contentType: "text/javascript" }));
    const page = await openPage(context, address, "classify");
    const open = (name) =>
      openModel(page, { name: `${name}.tflite`, mimeType: "text/plain", buffer: Buffer.from(name) });
    const found = [];
    const look = async (name) => {
      await page.waitForTimeout(200); // the bars stand still
      await picture(page, name);
      found.push(...(await seriousFindings(page)));
    };
    await open("pair");
    await page.fill("#text_a", "one text");
    found.push(...differences("half a pair", await page.locator("#classified .first").count(), 0));
    await page.fill("#text_b", "another");
    await page.waitForSelector("#classified .first");
    await look("pair");
    await open("topics");
    await classify(page, "some words on a topic");
    const note = await page.innerText("#classified .under");
    found.push(...differences("bars", await page.locator("#classified li").count(), 12));
    found.push(...differences("note", note, "The 12 most probable of 30 labels."));
    await look("topics");
    await open("several");
    const several = await classify(page, "some words with several labels");
    found.push(...differences("several", several.map(([label]) => label), ["sad", "loud", "short"]));
    found.push(...differences("hold", await page.locator("#classified .first .bar_name").allInnerTexts(), ["loud", "short"]));
    await open("speech");
    const words = await tag(page, "Green ideas sleep.");
    found.push(...differences("words", words.map(([, , type]) => type), ["NOUN", "VERB", "ADJ", "DET"]));
    const legend = (await page.locator("#legend li").allInnerTexts()).map((line) => line.replace(/\s+/g, " "));
    found.push(...differences("legend", legend[0], "NOUN noun 1"));
    await look("speech");
    await open("odd");
    const height = await page.evaluate(() => document.documentElement.scrollHeight);
    if (height > 1200) found.push(`long labels make the page ${height} pixels high`);
    found.push(...differences("HTML", await page.locator("#classified b").count(), 0));
    const odd = await page.innerText("#model_classify .model_facts");
    if (!odd.includes("<b>bold</b>") || odd.length > 300) found.push(`the line of the odd labels: ${odd}`);
    await look("odd");
    await context.close();
    return found;
  },

  /** What would look alike where the colours are the system's own, and runs leftwards. */
  async "is plain in forced colours, and from right to left"({ browser, address, expected, faults }) {
    const context = await openContext(browser, address, { ...NOT_KEPT, forcedColors: "active" }, faults);
    const page = await openPage(context, address, "ask");
    await openModel(page, expected.ask.file);
    const asked = expected.ask.cases.find(({ text, candidates }) => text && candidates.length > 1);
    await ask(page, asked.question, asked.passage);
    const styles = (selector, name) =>
      page.locator(selector).evaluateAll((all, key) => all.map((each) => getComputedStyle(each)[key]), name);
    const lines = await styles("[role=tab]", "borderBottomWidth");
    const found = differences("lines under tabs", lines, ["3px", "0px", "0px"]);
    const outlines = (await styles(".candidate", "outlineStyle")).filter((style) => style === "solid");
    found.push(...differences("outlined candidates", outlines.length, 1));
    await picture(page, "forced_colours");
    await page.click("#passage_edit");
    await page.fill("#passage", "\u05d4\u05de\u05d2\u05d3\u05dc\u05d5\u05e8.");
    found.push(...differences("direction", await styles("#passage", "direction"), ["rtl"]));
    await page.fill("#passage", "1871: a left-to-right text \u05d4.");
    found.push(...differences("back", await styles("#passage", "direction"), ["ltr"]));
    await context.close();
    return found;
  },

  async "prints all of a text"({ context, address, expected }) {
    const page = await openPage(context, address, "ask");
    await openModel(page, expected.ask.file);
    const passage = "A line of a passage.\n".repeat(200);
    await ask(page, "Which line?", passage);
    await page.emulateMedia({ media: "print" });
    const hidden = () =>
      page.evaluate(() =>
        [...document.querySelectorAll("#passage, #passage_read")]
          .filter(({ hidden }) => !hidden)
          .map(({ scrollHeight, clientHeight }) => scrollHeight - clientHeight),
      );
    const found = differences("read", await hidden(), [0]);
    await page.emulateMedia({ media: "screen" });
    await page.click("#passage_edit");
    await page.emulateMedia({ media: "print" });
    return [...found, ...differences("written", await hidden(), [0])];
  },
};
