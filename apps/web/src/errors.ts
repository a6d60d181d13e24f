/** Input that cannot be used: its message is one line for the user, as Python's `InputError`. */
export class InputError extends Error {
  override name = "InputError";
}

/** The end of a request that was cancelled, or that a newer one has replaced. */
export class Cancelled extends Error {
  override name = "Cancelled";
}

/** Returns what a thrown value says, in one line of at most 300 characters. */
export function oneLine(error: unknown): string {
  const said = error instanceof Error ? error.message || error.name : String(error);
  const line = said.split(/\s+/).join(" ").trim();
  return line.length > 300 ? `${line.slice(0, 299)}…` : line;
}
