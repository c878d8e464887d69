/** Ends a search from within; what is known by then is answered. */
export class SearchStopped extends Error {
  readonly reason: 'budget' | 'aborted';

  constructor(reason: 'budget' | 'aborted') {
    super(`search stopped: ${reason}`);
    this.reason = reason;
  }
}

export interface StopConditions {
  readonly budgetMilliseconds?: number;
  readonly signal?: AbortSignal;
}

/** Says when a search has to stop. */
export class StopClock {
  readonly #deadline: number;
  readonly #signal: AbortSignal | undefined;

  constructor({ budgetMilliseconds = Number.POSITIVE_INFINITY, signal }: StopConditions) {
    this.#deadline = performance.now() + budgetMilliseconds;
    this.#signal = signal;
  }

  /** @throws SearchStopped */
  readonly check = (): void => {
    if (this.#signal?.aborted) throw new SearchStopped('aborted');
    if (performance.now() >= this.#deadline) throw new SearchStopped('budget');
  };
}

/** What `work` answers, or why it was stopped; other failures are passed on. */
export async function untilStopped<T>(work: () => Promise<T>): Promise<T | SearchStopped> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof SearchStopped) return error;
    throw error;
  }
}
