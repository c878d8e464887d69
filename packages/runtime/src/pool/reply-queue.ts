interface Entry<Reply> {
  readonly reply: Promise<Reply>;
  isSettled: boolean;
}

/** Replies that are delivered in the order they were asked for, whatever order they come in. */
export class ReplyQueue<Reply> {
  readonly #entries: Entry<Reply>[] = [];
  #unsettled = 0;
  #wake: (() => void) | undefined;

  /** Replies asked for and not taken. */
  get length(): number {
    return this.#entries.length;
  }

  /** Those of them that have not come. */
  get unsettled(): number {
    return this.#unsettled;
  }

  get isFirstSettled(): boolean {
    return this.#entries[0]?.isSettled ?? false;
  }

  add(reply: Promise<Reply>): void {
    const entry = { reply, isSettled: false };
    this.#entries.push(entry);
    this.#unsettled++;
    const settled = (): void => {
      entry.isSettled = true;
      this.#unsettled--;
      this.#wake?.();
    };
    // A failure is looked at when its turn comes, or never: it must not end as an unhandled rejection.
    reply.then(settled, settled);
  }

  /** The first reply. */
  take(): Promise<Reply> {
    return this.#entries.shift()!.reply;
  }

  /** Waits until one more reply, of any sample, has come. */
  nextSettled(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }
}
