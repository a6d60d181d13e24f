// What the user reads of an error: one sentence, and nothing of what was cancelled.
import { EngineError } from "../client";

/**
 * Returns the line of an error, or "" of what was cancelled.
 *
 * @param name of the file that it is about.
 */
export function lineOf(error: unknown, name = ""): string {
  if (error instanceof EngineError && error.kind === "cancelled") return "";
  const isFault = error instanceof EngineError && error.kind === "fault";
  const message = error instanceof Error ? error.message : String(error);
  // The file's name is enough.
  const reason = name ? message.replace(/^https?:\S+: /, "") : message;
  const about = isFault ? `a fault of this program, not of your text: ${reason}` : reason;
  return sentence(name ? `${name}: ${about}` : about);
}

function sentence(message: string): string {
  const line = message.replace(/\s+/g, " ").trim();
  // A name keeps its first letter as it is.
  const text = /^\S+\.\w+:/.test(line) ? line : line.charAt(0).toUpperCase() + line.slice(1);
  return /[.!?…]$/.test(text) ? text : `${text}.`;
}
