// Files dropped anywhere on the page: a model goes to its tab, a text into the tab that is shown.
import { byId, say } from "./elements";

export interface Takers {
  model: (file: File) => Promise<void>;
  text: (text: string) => void;
}

/** Takes files that are dropped on the page. */
export function takeDrops(takers: Takers): void {
  const here = byId("drop_here");
  let depth = 0;
  const settle = () => {
    depth = 0;
    here.hidden = true;
  };
  window.addEventListener("dragenter", (event) => {
    if (!hasFiles(event)) return;
    depth++;
    here.hidden = false;
  });
  window.addEventListener("dragleave", (event) => {
    if (hasFiles(event) && --depth <= 0) settle();
  });
  window.addEventListener("dragover", (event) => {
    if (hasFiles(event)) event.preventDefault();
  });
  window.addEventListener("drop", (event) => {
    if (!hasFiles(event)) return;
    event.preventDefault();
    settle();
    void take([...(event.dataTransfer?.files ?? [])], takers);
  });
}

/**
 * Hands files to whoever takes their kinds: each model to its tab, and one text to the tab that is
 * then shown. Says beside the tabs what is wrong.
 */
export async function take(files: File[], takers: Takers): Promise<void> {
  const error = byId("drop_error");
  say(error, "");
  const isModel = (file: File) => /\.tflite$/i.test(file.name);
  for (const file of files.filter(isModel)) await takers.model(file);
  const [text, ...others] = files.filter((file) => !isModel(file));
  if (!text) return;
  if (others.length) say(error, `One text at a time: ${others[0].name} was not read.`);
  try {
    takers.text(textOf(new Uint8Array(await text.arrayBuffer())));
  } catch {
    say(error, `${text.name} is neither a .tflite model nor a text file in UTF-8.`);
  }
}

/** Decodes a text file: UTF-8, or UTF-16 with its mark; throws for anything else. */
export function textOf(bytes: Uint8Array): string {
  const isUtf16 = (bytes[0] === 0xff && bytes[1] === 0xfe) || (bytes[0] === 0xfe && bytes[1] === 0xff);
  const name = isUtf16 ? (bytes[0] === 0xff ? "utf-16le" : "utf-16be") : "utf-8";
  const text = new TextDecoder(name, { fatal: true }).decode(bytes);
  if (text.includes("\0")) throw new Error("not a text");
  return text;
}

function hasFiles(event: DragEvent): boolean {
  return event.dataTransfer?.types.includes("Files") ?? false;
}
