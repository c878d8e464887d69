import { largeBytes } from '../large-bytes.ts';
import type { TensorWire } from './wire.ts';

const ALIGNMENT = 8;
const LEAST_BLOCK_BYTES = 1 << 20;
const BLOCKS = 32;

/**
 * Copies of tensors that a file does not align to their elements, most of its weights as a rule. Large ones lie alone, so
 * that they go when the import replaces them (filters that a normalization is folded into). All others share a few blocks:
 * hundreds of small buffers would leave holes behind that the process keeps.
 */
export class AlignedCopies {
  readonly #blockBytes: number;
  /** What will still be asked for, as far as it is known. */
  #expected: number;
  #block = new Uint8Array(0);
  #used = 0;

  /** @param tensors what will be copied, as far as it is known. */
  constructor(tensors: readonly TensorWire[]) {
    this.#expected = tensors.reduce((sum, tensor) => sum + roomFor(tensor), 0);
    this.#blockBytes = Math.max(LEAST_BLOCK_BYTES, Math.ceil(this.#expected / BLOCKS));
  }

  /** The same bytes at an address that is a multiple of 8; in a buffer of their own when they were not expected. */
  copy(bytes: Uint8Array): Uint8Array {
    const room = roundUp(bytes.length);
    if (room > this.#expected) return bytes.slice();
    const copied = (room >= this.#blockBytes ? largeBytes(room) : this.#shared(room)).subarray(0, bytes.length);
    copied.set(bytes);
    this.#expected -= room;
    return copied;
  }

  #shared(room: number): Uint8Array {
    if (this.#used + room > this.#block.length) {
      this.#block = largeBytes(Math.min(this.#blockBytes, this.#expected));
      this.#used = 0;
    }
    const start = this.#used;
    this.#used += room;
    return this.#block.subarray(start, this.#used);
  }
}

/** Of 64-bit elements at odd multiples of 4 nothing is known here: those tensors are small. */
function roomFor({ rawData, floatData }: TensorWire): number {
  const bytes = rawData ?? floatData;
  return bytes === undefined || bytes.byteOffset % 4 === 0 ? 0 : roundUp(bytes.length);
}

function roundUp(bytes: number): number {
  return Math.ceil(bytes / ALIGNMENT) * ALIGNMENT;
}
