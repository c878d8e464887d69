/** Lets concurrent workers do one thing each in the order of their numbers 0, 1, 2, … */
export class Baton {
  #turn = 0;
  readonly #waiting = new Map<number, () => void>();

  /** Waits for turn `number`, does `action`, and hands on. */
  async pass<T>(number: number, action: () => T): Promise<T> {
    if (number !== this.#turn) await new Promise<void>((resolve) => this.#waiting.set(number, resolve));
    const result = action();
    this.#turn = number + 1;
    this.#waiting.get(this.#turn)?.();
    this.#waiting.delete(this.#turn);
    return result;
  }
}
