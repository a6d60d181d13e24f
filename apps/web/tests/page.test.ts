// The parts of the page that need no browser.
import { describe, expect, it } from "vitest";
import { EngineError } from "../src/client";
import { textOf } from "../src/page/drop";
import { count, duration, megabytes, percent, short, signed } from "../src/page/elements";
import { Latest } from "../src/page/latest";
import { lineOf } from "../src/page/lines";
import { Types } from "../src/page/types";

const pause = (ms = 0) => new Promise((resolve) => setTimeout(resolve, ms));

describe("Latest", () => {
  /** A task that ends when it is told to, and what it reported. */
  function begun() {
    const ends: { input: string; end: () => void; signal: AbortSignal }[] = [];
    const shown: string[] = [];
    const errors: unknown[] = [];
    const start = (input: string, signal: AbortSignal) =>
      new Promise<string>((resolve, reject) => {
        ends.push({ input, end: () => resolve(input.toUpperCase()), signal });
        signal.addEventListener("abort", () => reject(new Error("aborted")));
      });
    const latest = new Latest(start, (result) => shown.push(result), (error) => errors.push(error));
    return { latest, ends, shown, errors };
  }

  it("runs one at a time, and then the newest input only", async () => {
    const { latest, ends, shown, errors } = begun();
    for (const input of ["a", "ab", "abc"]) latest.run(input);
    expect(ends.map(({ input }) => input)).toEqual(["a"]);
    ends[0].end();
    await pause();
    expect(ends.map(({ input }) => input)).toEqual(["a", "abc"]);
    ends[1].end();
    await pause();
    expect([shown, errors]).toEqual([["A", "ABC"], []]);
  });

  it("cancels what turns out to run for long", async () => {
    const { latest, ends, shown } = begun();
    latest.run("long");
    latest.run("new");
    expect(ends[0].signal.aborted).toBe(false);
    await pause(250);
    expect(ends[0].signal.aborted).toBe(true);
    ends[1].end();
    await pause();
    expect(shown).toEqual(["NEW"]);
  });

  it("cancels what runs for long, without a word", async () => {
    const { latest, ends, shown, errors } = begun();
    latest.run("long");
    await pause(200);
    latest.run("new");
    await pause();
    expect(ends[0].signal.aborted).toBe(true);
    ends[1].end();
    await pause();
    expect([shown, errors]).toEqual([["NEW"], []]);
  });

  it("reports nothing of what was stopped, and runs again", async () => {
    const { latest, ends, shown, errors } = begun();
    latest.run("a");
    latest.stop();
    await pause();
    latest.run("b");
    ends[1].end();
    await pause();
    expect([shown, errors]).toEqual([["B"], []]);
  });

  it("reports the error of the newest input", async () => {
    const errors: unknown[] = [];
    const fail = () => Promise.reject(new Error("no"));
    const latest = new Latest(fail, () => {}, (error) => errors.push(error));
    latest.run("a");
    await pause();
    expect(errors).toEqual([new Error("no")]);
  });
});

describe("numbers", () => {
  it("are short, and never rounded to all or nothing", () => {
    expect([0, 0.0004, 0.5, 0.9996, 1].map(percent)).toEqual([
      "0.0 %", "< 0.1 %", "50.0 %", "> 99.9 %", "100.0 %",
    ]);
    expect([9.04, 99.6, 999, 1234].map(duration)).toEqual(["9.0 ms", "100 ms", "999 ms", "1.2 s"]);
    expect([count(1234567), megabytes(9881210), signed(-2.5), signed(1, 3)]).toEqual([
      "1,234,567", "9.9 MB", "\u22122.50", "1.000",
    ]);
  });
});

describe("labels", () => {
  it("are cut where they have no room, between characters", () => {
    expect(["x", "x".repeat(60), "\ud83d\ude00".repeat(60)].map(short)).toEqual([
      "x", "x".repeat(60), "\ud83d\ude00".repeat(60),
    ]);
    expect(short("x".repeat(61))).toBe(`${"x".repeat(59)}…`);
    expect(short("\ud83d\ude00".repeat(10_000))).toBe(`${"\ud83d\ude00".repeat(59)}…`);
  });
});

describe("lines of errors", () => {
  it("are sentences, with the file's name in front", () => {
    expect(lineOf(new EngineError("is cut short", "input"), "a.tflite")).toBe("a.tflite: is cut short.");
    expect(lineOf(new EngineError("the row\nis long", "input"))).toBe("The row is long.");
    expect(lineOf(new EngineError("cancelled", "cancelled"), "a.tflite")).toBe("");
    expect(lineOf(new EngineError("x is undefined", "fault"))).toMatch(/^A fault of this program, .*undefined\.$/);
    expect(lineOf(new EngineError("http://127.0.0.1/a.tflite: 404", "input"), "a.tflite")).toBe("a.tflite: 404.");
  });
});

describe("text files", () => {
  const bytes = (...values: number[]) => Uint8Array.from(values);
  it("are UTF-8, or UTF-16 with its mark", () => {
    expect(textOf(bytes(0xef, 0xbb, 0xbf, 0x5a, 0xc3, 0xab))).toBe("Zë");
    expect(textOf(bytes(0xff, 0xfe, 0x5a, 0, 0xeb, 0))).toBe("Zë");
    expect(textOf(bytes(0xfe, 0xff, 0, 0x5a))).toBe("Z");
    expect(() => textOf(bytes(0xc3, 0x28))).toThrow();
    expect(() => textOf(bytes(0x41, 0, 0x42))).toThrow();
  });
});

describe("types", () => {
  it("of entities come from tags of any scheme", () => {
    const types = new Types({ labels: ["O", "B-PER", "I-PER", "S-LOC", "E-LOC"], areEntities: true });
    expect([types.all, types.areEntities]).toEqual([["PER", "LOC"], true]);
    expect([types.nameOf("PER"), types.nameOf("Q")]).toEqual(["person", ""]);
  });

  it("of entities without a name have a colour, too", () => {
    const types = new Types({ labels: ["O", "B", "I"], areEntities: true });
    expect([types.all, types.classOf("_")]).toEqual([["_"], "t0"]);
  });

  it("of words are the tags, whatever these look like", () => {
    const words = [{ text: "go", start: 0, end: 2, tag: "B-PER" }];
    const types = new Types({ labels: ["O", "B-PER", "I-PER"], areEntities: false });
    expect(types.slicesOf({ words, entities: [], ms: 1 }).map(({ type }) => type)).toEqual(["B-PER"]);
  });

  it("of words are the tags", () => {
    const types = new Types({ labels: ["NOUN", "VERB"], areEntities: false });
    const words = [{ text: "go", start: 0, end: 2, tag: "VERB" }];
    expect(types.areEntities).toBe(false);
    expect(types.slicesOf({ words, entities: [], ms: 1 })).toEqual([
      { start: 0, end: 2, type: "VERB", title: "verb" },
    ]);
  });
});
