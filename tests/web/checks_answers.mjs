// The page's answers are those of Python on the same files.
import { ask, classify, openModel, openPage, picture, tag } from "./harness.mjs";

/** Returns the differences between two values, as they print in JSON. */
export function differences(what, found, expected) {
  const [a, b] = [JSON.stringify(found), JSON.stringify(expected)];
  return a === b ? [] : [`${what}: ${a}, not ${b}`];
}

const number = (text) => Number(text.replace("\u2212", "-").replace(/[<>%\s]/g, ""));

// Half of the last digit that is shown, and what two runtimes differ by on a quantized file.
const TOLERANCE = { percent: 0.15, score: 0.0051 };

function near(what, found, expected, tolerance) {
  return Math.abs(found - expected) <= tolerance ? [] : [`${what}: ${found}, not ${expected}`];
}

export const checks = {
  /** The shipped model: labels in the file's order, the first one where Python has it. */
  async "classifies as Python does"({ context, address, expected }) {
    const page = await openPage(context, address, "classify");
    const found = [];
    for (const { text, labels, best } of expected.classify) {
      const bars = await classify(page, text);
      found.push(...differences(text, bars.map(([label]) => label), Object.keys(labels)));
      for (const [label, value] of bars)
        found.push(...near(`${text}: ${label}`, number(value), 100 * labels[label], TOLERANCE.percent));
      const first = await page.locator("#classified .first .bar_name").allInnerTexts();
      found.push(...differences(`${text}: first`, first, [best]));
    }
    await picture(page, "classify");
    return found;
  },

  /** A dropped answerer: text, place, candidates, scores. */
  async "answers as Python does"({ context, address, expected }) {
    const page = await openPage(context, address, "ask");
    const { file, line, cases } = expected.ask;
    const about = await openModel(page, file);
    const found = about.replaceAll("\u00a0", " ").includes(line) ? [] : [`${about}, not ${line}`];
    for (const { question, passage, text, place, candidates, nullOdds } of cases) {
      const what = `${passage.slice(0, 30)}…`;
      const shown = await ask(page, question, passage);
      if (shown.error) {
        found.push(`${what}: ${shown.error}`);
        continue;
      }
      found.push(...differences(what, shown.text, text || "No answer in this passage"));
      found.push(...differences(`${what}: place`, shown.marked, text ? place : null));
      found.push(
        ...differences(`${what}: candidates`, shown.candidates.map(([each]) => each), candidates.map(([each]) => each)),
      );
      shown.candidates.forEach(([each, value], i) =>
        found.push(...near(`${what}: ${each}`, number(value), 100 * candidates[i]?.[1], TOLERANCE.percent)),
      );
      const odds = number(shown.under.split("no-answer score ")[1] ?? "none");
      found.push(...near(`${what}: no-answer score`, odds, nullOdds, TOLERANCE.score));
    }
    return found;
  },

  /** A candidate that is chosen is marked in the passage. */
  async "marks a candidate that is chosen"({ context, address, expected }) {
    const page = await openPage(context, address, "ask");
    await openModel(page, expected.ask.file);
    const asked = expected.ask.cases.find(({ candidates }) => candidates.length > 1);
    const { candidates } = await ask(page, asked.question, asked.passage);
    const last = page.locator(".candidate").last();
    await last.click();
    return [
      ...differences("pressed", await last.getAttribute("aria-pressed"), "true"),
      ...differences("marked", await page.textContent("#passage_read mark"), candidates.at(-1)[0]),
    ];
  },

  /** A dropped tagger, opened from another tab: the page goes to its tab. */
  async "tags as Python does"({ context, address, expected }) {
    const page = await openPage(context, address, "classify");
    const { file, line, cases } = expected.tag;
    const about = await openModel(page, file);
    const found = about.replaceAll("\u00a0", " ").includes(line) ? [] : [`${about}, not ${line}`];
    found.push(...differences("tab", await page.getAttribute("#tab_tag", "aria-selected"), "true"));
    for (const { text, entities } of cases)
      found.push(...differences(text.slice(0, 40), await tag(page, text), entities));
    return found;
  },

  /** A regression's number, in the tab of classes, and the way back to the shipped model. */
  async "takes a regression, and goes back to the shipped model"({ context, address, expected }) {
    const page = await openPage(context, address, "classify");
    const found = [];
    await openModel(page, expected.regression.file);
    for (const { text, value } of expected.regression.cases) {
      const [[, shown]] = await classify(page, text);
      found.push(...near(text, number(shown), value, 0.00051));
    }
    await page.getByRole("button", { name: "Back to the shipped model" }).click();
    await page.waitForSelector("#panel_classify:not([aria-busy])");
    const facts = await page.innerText("#model_classify .model_facts");
    if (!facts.startsWith("sentiment.tflite")) found.push(`after going back: ${facts}`);
    const { text, labels } = expected.classify[0];
    const bars = await classify(page, text);
    return [...found, ...differences(text, bars.map(([label]) => label), Object.keys(labels))];
  },
};
