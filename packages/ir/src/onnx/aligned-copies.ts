import { largeBytes } from '../large-bytes.ts';
import type { TensorWire } from './wire.ts';

const ALIGNMENT = 8;

/**
 * Copies of tensors that a file does not align to their elements, most of its weights as a rule. They share one block of
 * bytes: blocks of their own, hundreds of them, would leave holes behind that the process keeps.
 */
export class AlignedCopies {
  readonly #block: Uint8Array<ArrayBuffer>;
  #used = 0;

  /** @param tensors what will be copied, as far as it is known. */
  constructor(tensors: readonly TensorWire[]) {
    this.#block = largeBytes(tensors.reduce((sum, tensor) => sum + roomFor(tensor), 0));
  }

  /** The same bytes at an address that is a multiple of 8; in a buffer of their own when there is no room left. */
  copy(bytes: Uint8Array): Uint8Array {
    const start = this.#used;
    const end = start + bytes.length;
    if (end > this.#block.length) return bytes.slice();
    const copied = this.#block.subarray(start, end);
    copied.set(bytes);
    this.#used = roundUp(end);
    return copied;
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
