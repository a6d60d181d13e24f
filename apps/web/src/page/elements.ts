// Small tools for the page's elements. Text always goes in as text, never as HTML.

/** Returns the element of an id, which index.html must have. */
export function byId<T extends HTMLElement = HTMLElement>(id: string): T {
  const found = document.getElementById(id);
  if (!found) throw new Error(`index.html has no element #${id}`);
  return found as T;
}

/** Makes an element of a class that holds texts and other elements. */
export function make<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  className = "",
  ...content: (string | Node)[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  if (className) element.className = className;
  element.append(...content);
  return element;
}

/** Makes a button that calls a function. */
export function button(className: string, text: string, onClick: () => void): HTMLButtonElement {
  const element = make("button", className, text);
  element.type = "button";
  element.addEventListener("click", onClick);
  return element;
}

/** Shows one line of text in an element, or hides the element where there is none. */
export function say(element: HTMLElement, line: string): void {
  // Out of the accessibility tree while it is empty; a new text in a shown element is announced.
  element.hidden = line === "";
  if (element.textContent !== line) element.textContent = line;
}

const LEFTWARD =
  /[\p{Script=Arabic}\p{Script=Hebrew}\p{Script=Syriac}\p{Script=Thaana}\p{Script=Nko}]/u;

/** Lets an element run as the first letter of its text does. */
export function setDirection(element: HTMLElement, text: string): void {
  // Not dir="auto", which takes a browser seconds in a field of a million characters.
  const [letter] = /\p{L}/u.exec(text.slice(0, 1000)) ?? [""];
  element.dir = LEFTWARD.test(letter) ? "rtl" : "ltr";
}

const MOST_OF_A_LABEL = 60;

/** Cuts a label of a stranger's file, which may be of any length, to what has room in a line. */
export function short(label: string): string {
  const characters = Array.from(label.slice(0, 2 * MOST_OF_A_LABEL + 2)); // of two units at most
  const isLong = characters.length > MOST_OF_A_LABEL;
  return isLong ? `${characters.slice(0, MOST_OF_A_LABEL - 1).join("")}…` : label;
}

/** Says to a screen reader that a field is wrong, and which line has the reason. */
export function describe(field: HTMLElement, error: HTMLElement, isWrong: boolean): void {
  field.setAttribute("aria-invalid", String(isWrong));
  if (isWrong) field.setAttribute("aria-describedby", error.id);
  else field.removeAttribute("aria-describedby");
}

// Kept, for a browser may otherwise drop it while its dialog is open.
let input: HTMLInputElement;

/** Opens a file dialog for files of the given ending. */
export function chooseFile(accept: string, onFile: (file: File) => void): void {
  input = make("input");
  input.type = "file";
  input.accept = accept;
  input.addEventListener("change", () => {
    const file = input.files?.[0];
    if (file) onFile(file);
  });
  input.click();
}

const whole = new Intl.NumberFormat("en");

/** 12345 -> "12,345". */
export function count(value: number): string {
  return whole.format(value);
}

/** 9881210 -> "9.9 MB". */
export function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(bytes < 1e5 ? 3 : 1)} MB`;
}

/** 0.98765 -> "98.8 %"; what is nearly nothing or all is not rounded to it. */
export function percent(probability: number): string {
  const value = 100 * probability;
  if (value > 0 && value < 0.1) return "< 0.1 %";
  if (value < 100 && value >= 99.95) return "> 99.9 %";
  return `${value.toFixed(1)} %`;
}

/** -2.5 -> "−2.50", with the sign that is as wide as a plus. */
export function signed(value: number, digits = 2): string {
  return value.toFixed(digits).replace("-", "\u2212");
}

/** 12.345 -> "12 ms", 1234 -> "1.2 s". */
export function duration(ms: number): string {
  return ms < 1000 ? `${ms < 10 ? ms.toFixed(1) : Math.round(ms)} ms` : `${(ms / 1000).toFixed(1)} s`;
}

/** Whether the user asked for less motion. */
export function isCalm(): boolean {
  return matchMedia("(prefers-reduced-motion: reduce)").matches;
}
