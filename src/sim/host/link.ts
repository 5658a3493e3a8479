/** A machine's connection to everything that is not on it. */
export class Link {
  #cut = false;
  readonly #listeners = new Set<() => void>();

  /** Nothing goes out and nothing comes in. */
  get cut(): boolean {
    return this.#cut;
  }

  sever(): void {
    this.#cut = true;
    for (const listener of [...this.#listeners]) listener();
  }

  mend(): void {
    this.#cut = false;
  }

  /** Calls back each time the connection breaks, until the returned function is called. */
  onCut(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
}
