import type { Heap } from '../heap.ts';

/** One block of memory for users that take turns; it grows with what they ask for, and may move then. */
export class SharedBlock {
  readonly #heap: Heap;
  #ptr = 0;
  #bytes = 0;

  constructor(heap: Heap) {
    this.#heap = heap;
  }

  get byteLength(): number {
    return this.#bytes;
  }

  /** Address of the block, at least `bytes` long. Earlier contents are lost when it grows. */
  at(bytes: number): number {
    if (this.#ptr === 0 || bytes > this.#bytes) {
      this.dispose();
      this.#ptr = this.#heap.allocate(bytes);
      this.#bytes = bytes;
    }
    return this.#ptr;
  }

  dispose(): void {
    if (this.#ptr !== 0) this.#heap.release(this.#ptr);
    this.#ptr = 0;
    this.#bytes = 0;
  }
}
