/** One end of a channel between threads: what Node's and browsers' workers have in common. */
export interface Port {
  post(message: unknown): void;
  /** Calls `receive` with every message of the other end, in order. */
  listen(receive: (message: unknown) => void): void;
  /** Calls `failed` when the other end dies without an answer. */
  onFailure(failed: (reason: string) => void): void;
  close(): void;
}
