// Stands in for the page's worker where it is about what the page draws: made-up answers by the
// messages of apps/web/src/protocol.ts. A model is opened by a file that holds its name.
const INFO = {
  ask: { task: "question_answering", labels: [], length: 384, pair: true, nullAnswers: true },
  classify: { task: "classification", labels: ["negative", "positive"], length: 64, pair: false },
  tag: { task: "tagging", labels: ["O", "B-PER", "I-PER", "B-LOC", "I-LOC", "B-ORG", "I-ORG"], areEntities: true, length: 128 },
};
const MORE = {
  pair: ["classify", { ...INFO.classify, labels: ["same", "other"], pair: true }],
  topics: ["classify", { ...INFO.classify, labels: Array.from({ length: 30 }, (_, i) => `topic ${i}`) }],
  several: ["classify", { ...INFO.classify, task: "multi_label", labels: ["sad", "loud", "short"] }],
  odd: ["classify", { ...INFO.classify, labels: ["x".repeat(10_000), "<b>bold</b>", "\u202e\u05d0 left"] }],
  speech: ["tag", { ...INFO.tag, areEntities: false, labels: ["NOUN", "VERB", "ADJ", "DET", "ADP", "PROPN", "PUNCT"] }],
};
const cancelled = new Set();
const info = {};
const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

function describe(slot, more) {
  info[slot] = {
    pair: false, nullAnswers: false, vocabularySize: 30522, bytes: 9881210, loadMs: 212,
    accelerator: "wasm", acceleratorNote: "this browser has no WebGPU", ...(more ?? INFO[slot]),
  };
  return info[slot];
}

function wordsOf(text) {
  return [...text.matchAll(/[\p{L}\p{N}]+|[^\s\p{L}\p{N}]/gu)].map((found) => ({
    text: found[0], start: found.index, end: found.index + found[0].length,
  }));
}

async function reply(request) {
  const { id, kind } = request;
  if (kind === "load") {
    for (let i = 0; i <= 4; i++) {
      self.postMessage({ id, kind: "progress", done: i, total: 4 });
      await wait(20);
    }
    if (request.slot !== "dropped")
      return { kind: "loaded", slot: request.slot, info: describe(request.slot) };
    const name = new TextDecoder().decode(request.file).trim();
    if (name in INFO) return { kind: "loaded", slot: name, info: describe(name) };
    if (!(name in MORE)) throw new Error("this is not a .tflite file of keras-bert");
    return { kind: "loaded", slot: MORE[name][0], info: describe(...MORE[name]) };
  }
  if (kind === "classify") {
    if (info.classify.task === "multi_label") {
      const probabilities = { short: 0.9, loud: 0.7, sad: 0.1 };
      const several = Object.entries(probabilities).map(([label, p]) => ({ label, probability: p, holds: p > 0.5 }));
      return { kind: "classified", result: { labels: several, value: null, ms: 9 } };
    }
    const p = 1 / (1 + request.text.length / 10);
    const labels = info.classify.labels.map((label, i) => ({ label, probability: i ? (1 - p) / (info.classify.labels.length - 1) : p }));
    labels.sort((a, b) => b.probability - a.probability);
    return { kind: "classified", result: { labels, value: null, ms: 12.3 } };
  }
  if (kind === "answer") {
    const windows = Math.ceil(request.passage.length / 1000);
    for (let i = 0; i <= windows; i++) {
      if (cancelled.has(id)) return { kind: "error", message: "cancelled", cancelled: true, isFault: false };
      self.postMessage({ id, kind: "progress", done: i, total: windows });
      await wait(20);
    }
    const nBest = [...request.passage.matchAll(/\b[A-Z]\w+( [A-Z]\w+)*/g)].slice(0, 4).map((found, i) => ({
      text: found[0], start: found.index, end: found.index + found[0].length, probability: 0.8 / (i + 1) ** 2,
    }));
    const none = { text: "", start: 0, end: 0, probability: 0.5 };
    const best = /king/.test(request.question) ? none : (nBest[1] ?? none);
    return { kind: "answered", result: { best, nBest, nullOdds: -2.5, windows, ms: 21 * windows } };
  }
  const words = wordsOf(request.text);
  const isSpeech = !info.tag.areEntities;
  const types = ["PER", "LOC", "ORG"];
  const entities = isSpeech ? [] : words.filter((word) => /^\p{Lu}/u.test(word.text)).map((word, i) => ({ ...word, type: types[i % 3], probability: 0.97 }));
  const tagged = words.map((word, i) => ({ ...word, tag: isSpeech ? info.tag.labels[i % 7] : "O" }));
  return { kind: "tagged", result: { words: tagged, entities, ms: 33 } };
}

self.onmessage = async ({ data }) => {
  if (data.kind === "cancel") return cancelled.add(data.target);
  try {
    self.postMessage({ id: data.id, ...(await reply(data)) });
  } catch (error) {
    self.postMessage({ id: data.id, kind: "error", message: error.message, cancelled: false, isFault: false });
  }
};
