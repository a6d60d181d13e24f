// Our files inside a .tflite: description, vocabulary and tokenizer.
// The twin of keras_bert/export/metadata.py: read_files, and export/runner.py.
import { InputError } from "../errors";
import { Tokenizer } from "../text/tokenizer";
import { readArchive } from "./archive";
import { type ModelConfig, parseConfig } from "./config";

export interface ModelFile {
  config: ModelConfig;
  tokenizer: Tokenizer;
  /** Number of tokens of the vocabulary. */
  vocabularySize: number;
}

// More than the float32 file of BERT-Base has; a page's memory ends soon after it.
export const MOST_BYTES = 2 ** 30;
// A million tokens, the largest vocabulary in use, have 14 MB.
const MOST_BYTES_OF_A_FILE = 24 * 2 ** 20;
const VOCABULARY = "vocab.txt";
const CONFIG = "keras_bert.json";

/** Throws if a file is too large to be read. */
export function checkSize(bytes: number) {
  if (bytes > MOST_BYTES)
    throw new InputError(
      `has ${bytes.toLocaleString("en")} bytes: a page opens models of up to ` +
        `${MOST_BYTES.toLocaleString("en")}`,
    );
}

/** Reads what an exported file carries; throws an InputError of one line for any other file. */
export function readModelFile(data: Uint8Array): ModelFile {
  checkSize(data.length);
  if (data.length < 8 || String.fromCharCode(...data.subarray(4, 8)) !== "TFL3")
    throw new InputError("is not a TensorFlow Lite file (.tflite)");
  const files = readArchive(data, [VOCABULARY, CONFIG], MOST_BYTES_OF_A_FILE);
  if (files === null)
    throw new InputError(
      "has no vocabulary and description at its end: it was not written by `keras-bert export`, " +
        "or it is cut short",
    );
  for (const name of [CONFIG, VOCABULARY])
    if (!files.has(name))
      throw new InputError(`holds no ${name}: it was not written by \`keras-bert export\``);
  try {
    const config = parseConfig(decoded(files.get(CONFIG)!, CONFIG));
    const vocabulary = linesOf(decoded(files.get(VOCABULARY)!, VOCABULARY));
    const tokenizer = new Tokenizer(vocabulary, config.tokenizer);
    if (vocabulary.length > config.vocabularySize)
      throw new InputError(
        `${vocabulary.length} tokens for an embedding of ${config.vocabularySize} rows`,
      );
    return { config, tokenizer, vocabularySize: vocabulary.length };
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    throw new InputError(`the model's description is broken: ${error.message}`);
  }
}

function linesOf(vocabulary: string): string[] {
  // Fewer tokens than rows are no error in themselves, so a cut end would not be seen.
  if (!vocabulary.endsWith("\n"))
    throw new InputError(`${VOCABULARY} is cut short: its last line has no end`);
  return vocabulary.slice(0, -1).split("\n");
}

function decoded(content: Uint8Array, name: string): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(content);
  } catch {
    throw new InputError(`${name} is not UTF-8`);
  }
}
