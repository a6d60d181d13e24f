// What a screen reader hears of results that change with every key: the last one, after a rest.
const REST_MS = 1200;

export class Spoken {
  private timer = 0;

  constructor(private readonly element: HTMLElement) {}

  /** Says a line, unless another one comes first. */
  later(line: string): void {
    clearTimeout(this.timer);
    this.timer = window.setTimeout(() => {
      if (this.element.textContent !== line) this.element.textContent = line;
    }, REST_MS);
  }

  clear(): void {
    clearTimeout(this.timer);
    this.element.textContent = "";
  }
}
