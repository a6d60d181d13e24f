// What the user reads of an error: one sentence, and nothing of what was cancelled.
import { EngineError } from "../client";

export function lineOf(error: unknown): string {
  if (!(error instanceof Error)) return sentence(String(error));
  if (!(error instanceof EngineError)) return sentence(error.message);
  if (error.kind === "cancelled") return "";
  if (error.kind === "input") return sentence(error.message);
  return sentence(`the model could not do it, which is a fault of this program: ${error.message}`);
}

function sentence(message: string): string {
  const line = message.replace(/\s+/g, " ").trim();
  const text = line.charAt(0).toUpperCase() + line.slice(1);
  return /[.!?…]$/.test(text) ? text : `${text}.`;
}
