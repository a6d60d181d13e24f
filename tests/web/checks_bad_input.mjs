// What people do to a page: each has one clear line, and the page goes on.
import fs from "node:fs";
import { differences } from "./checks_answers.mjs";
import { ask, classify, drop, openContext, openModel, openPage, picture, tag } from "./harness.mjs";

const EMOJI = "👍🏽👨‍👩‍👧‍👦🎉";
const HALVES = "half \ud83d of one, and \ude00 the other: good";

function matches(what, found, pattern) {
  return pattern.test(found) ? [] : [`${what}: ${JSON.stringify(found)}`];
}

/** Sets a field to a text that no keyboard can type. */
async function paste(page, selector, text) {
  await page.evaluate(
    ([place, value]) => {
      const field = document.querySelector(place);
      field.value = value;
      field.dispatchEvent(new Event("input", { bubbles: true }));
    },
    [selector, text],
  );
}

export const checks = {
  async "says what is wrong with a file, and keeps the model"({ context, address, expected }) {
    const page = await openPage(context, address, "classify");
    const before = await page.innerText("#model_classify .model_facts");
    const found = [];
    for (const [file, reason] of expected.badFiles) {
      const line = await openModel(page, file);
      found.push(...matches(file, line, new RegExp(reason, "i")));
      if (line.includes("\n") || line.length > 300) found.push(`${file}: not one line: ${line}`);
      found.push(...differences(file, await page.innerText("#model_classify .model_facts"), before));
    }
    await picture(page, "bad_file");
    const { text, best } = expected.classify[0];
    await classify(page, text);
    return [...found, ...differences("then", await page.innerText("#classified .first .bar_name"), best)];
  },

  /** A question that was asked meanwhile gets its line, and the next try is as the first. */
  async "says so where the model does not come, and tries again"({ browser, address, expected }) {
    // The browser itself complains of what did not come, so these faults do not count.
    const context = await openContext(browser, address, { serviceWorkers: "block" });
    const models = JSON.stringify({ ask: { name: "answerer.tflite", url: "models/answerer.tflite", bytes: 1 } });
    await context.route("**/models.json", (route) => route.fulfill({ body: models }));
    let goOn;
    const held = new Promise((resolve) => (goOn = resolve));
    await context.route("**/answerer.tflite", async (route) => {
      await held;
      await route.abort();
    });
    const page = await context.newPage();
    await page.goto(address);
    const [example] = await page.locator("#examples_ask button").all();
    await example.click();
    const found = matches("meanwhile", await page.innerText("#answer"), /on its way/);
    await picture(page, "loading");
    goOn();
    await page.waitForSelector("#model_ask [role=alert]:visible");
    found.push(...matches("line", await page.innerText("#model_ask [role=alert]"), /^answerer\.tflite: cannot be loaded/));
    found.push(...matches("asked", await page.innerText("#question_error"), /There is no model yet/));
    await context.unroute("**/answerer.tflite");
    await context.route("**/answerer.tflite", (route) => route.fulfill({ path: expected.ask.file }));
    await page.getByRole("button", { name: "Load the shipped model" }).click();
    await example.click();
    await page.waitForSelector("#answer .under");
    const facts = await page.innerText("#model_ask .model_facts");
    await context.close();
    return [...found, ...matches("facts", facts, /^answerer\.tflite · question/)];
  },

  async "takes what is no text"({ context, address, expected }) {
    const page = await openPage(context, address, "classify");
    const found = [];
    for (const text of [EMOJI, HALVES, "\u200b", "\0", "x".repeat(100_000)]) {
      await paste(page, "#text_a", text);
      await page.waitForSelector("#classified:not([aria-busy])");
      found.push(...differences("classified", await page.locator("#classify_error:visible").count(), 0));
    }
    await openModel(page, expected.tag.file);
    for (const text of [EMOJI, HALVES]) {
      await paste(page, "#text_tag", text);
      await page.waitForSelector("#tagged:not([aria-busy])");
      const drawn = await page.evaluate(() => {
        const copy = document.querySelector("#tagged").cloneNode(true);
        for (const type of copy.querySelectorAll(".type")) type.remove();
        return copy.textContent;
      });
      found.push(...differences("tagged", drawn, text));
    }
    found.push(...differences("no text", await tag(page, "  "), []));
    await openModel(page, expected.ask.file);
    for (const [question, passage, pattern] of [
      ["", "A passage.", /^Type a question first\.$/],
      ["   ", "A passage.", /^Type a question first\.$/],
      ["Who?", "  ", /^Paste a passage first/],
    ])
      found.push(...matches(question, (await ask(page, question, passage)).error ?? "", pattern));
    for (const [question, passage] of [[EMOJI, "A passage."], ["Who?", EMOJI], ["w".repeat(5000), "A passage."]]) {
      const shown = await ask(page, question, passage);
      if (!shown.text && !shown.error) found.push(`${question.slice(0, 9)}: nothing is shown`);
      if (/fault/.test(shown.error ?? "")) found.push(shown.error);
    }
    await page.click("#passage_edit").catch(() => {});
    await paste(page, "#passage", HALVES);
    await ask(page, "Which half?");
    return found;
  },

  async "reads 200,000 characters in parts, and stops when told"({ context, address, expected }) {
    const page = await openPage(context, address, "ask");
    await openModel(page, expected.ask.file);
    const [first] = expected.ask.cases;
    const words = "the lovely story of a dull actor, and the music of the end. ";
    await page.fill("#passage", words.repeat(200_000 / words.length + 1).slice(0, 200_000));
    await page.fill("#question", first.question);
    await page.press("#question", "Enter");
    const found = matches("size", await page.innerText("#passage_size"), /^200,000 characters$/);
    await page.waitForFunction(() => /Read [\d,]+ of [\d,]+ parts/.test(document.querySelector("#ask_windows").textContent));
    // It draws and takes keys while it reads.
    await page.evaluate(() => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve))));
    const done = () => page.evaluate(() => document.querySelector("#ask_progress").value);
    const before = await done();
    await page.waitForFunction((value) => document.querySelector("#ask_progress").value > value, before);
    await page.waitForSelector("#ask_running:visible");
    await picture(page, "reading");
    await page.click("#ask_cancel");
    await page.waitForSelector("#question_error:visible");
    found.push(...matches("cancelled", await page.innerText("#question_error"), /^Cancelled\.$/));
    found.push(...differences("bar", await page.isVisible("#ask_running"), false));
    const shown = await ask(page, first.question, first.passage);
    return [...found, ...differences("then", shown.text, first.text || "No answer in this passage")];
  },

  async "takes a text file, and says what is none"({ context, address }) {
    const page = await openPage(context, address, "ask");
    const open = async (name, buffer) => {
      const [dialog] = await Promise.all([page.waitForEvent("filechooser"), page.click("#passage_open")]);
      await dialog.setFiles({ name, mimeType: "text/plain", buffer });
    };
    await open("a.txt", Buffer.from("\ufeffZoë’s first line\r\nand 北京", "utf8"));
    await page.waitForFunction(() => document.querySelector("#passage").value !== "");
    const found = differences("text", await page.inputValue("#passage"), "Zoë’s first line\nand 北京");
    await open("b.txt", Buffer.from([0xff, 0xfe, 0x41, 0, 0x42, 0]));
    await page.waitForFunction(() => document.querySelector("#passage").value === "AB");
    await open("c.txt", Buffer.from([0x41, 0xc3, 0x28]));
    await page.waitForSelector("#drop_error:visible");
    found.push(...matches("no text", await page.innerText("#drop_error"), /^c\.txt is neither/));
    await open("d.txt", Buffer.alloc(2_100_000, "a "));
    await page.waitForSelector("#passage_error:visible");
    return [...found, ...matches("long", await page.innerText("#passage_error"), /2,100,000 characters/)];
  },

  /** Files dropped with a mouse, anywhere on the page. */
  async "takes what is dropped"({ context, address, expected }) {
    const page = await openPage(context, address, "ask");
    await drop(page, ["dropped.txt", "A dropped passage."]);
    await page.waitForFunction(() => document.querySelector("#passage").value === "A dropped passage.");
    await drop(page, ["Tagger.TFLITE", fs.readFileSync(expected.tag.file)]);
    await page.waitForSelector("#panel_tag:visible");
    const facts = await page.innerText("#model_tag .model_facts");
    const overlay = await page.isVisible("#drop_here");
    return [...matches("facts", facts, /^Tagger\.TFLITE/), ...differences("overlay", overlay, false)];
  },

  /** Each model goes to its tab, the one text to the tab that is shown then. */
  async "takes several files that are dropped at once"({ context, address, expected }) {
    const page = await openPage(context, address, "classify");
    const [tagger, answerer] = [expected.tag.file, expected.ask.file].map((file) => fs.readFileSync(file));
    await drop(page, ["one.txt", "One text."], ["t.tflite", tagger], ["two.txt", "Two."], ["a.tflite", answerer]);
    await page.waitForFunction(() => document.querySelector("#passage").value === "One text.");
    const facts = await page.locator(".model_facts").allTextContents();
    return [
      ...matches("answerer", facts[0], /^a\.tflite/),
      ...matches("tagger", facts[2], /^t\.tflite/),
      ...matches("text", await page.innerText("#drop_error"), /^One text at a time: two\.txt was not read/),
    ];
  },
};
