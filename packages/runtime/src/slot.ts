import { elementCount, QError, type TensorType } from '@q/ir';
import {
  bytesPerElement,
  type StorageArray,
  type StorageArrays,
  type StorageDType,
  storageOf,
  viewOf,
} from './storage.ts';

/**
 * A place in WASM memory. `ptr` is 0 until the memory plan of the session is made, and final afterwards: kernels are
 * called with `slot.ptr` read inside `run`, never captured earlier.
 */
export interface Slot {
  readonly ptr: number;
  readonly byteLength: number;
}

/** @internal The same place while the planner may still write it. */
export class PlacedSlot implements Slot {
  ptr = 0;
  readonly byteLength: number;

  constructor(byteLength: number) {
    this.byteLength = byteLength;
  }
}

/** The place of a value or of a weight, with its type. */
export class TensorSlot extends PlacedSlot {
  readonly name: string;
  readonly type: TensorType;
  readonly shape: readonly number[];
  readonly length: number;
  readonly dtype: StorageDType;
  readonly #memory: WebAssembly.Memory;
  #view: StorageArray | undefined;

  constructor(name: string, type: TensorType, memory: WebAssembly.Memory) {
    const length = elementCount(type.shape);
    const dtype = storageOf(type.dtype, name);
    super(length * bytesPerElement(dtype));
    this.name = name;
    this.type = type;
    this.shape = type.shape;
    this.length = length;
    this.dtype = dtype;
    this.#memory = memory;
  }

  /** A view on the data. Made once and kept while the memory neither grows nor moves, so asking in `run` costs nothing. */
  view(): StorageArray {
    const { buffer } = this.#memory;
    if (this.#view === undefined || this.#view.buffer !== buffer || this.#view.byteOffset !== this.ptr) {
      this.#view = viewOf(this.dtype, buffer, this.ptr, this.length);
    }
    return this.#view;
  }

  f32(): Float32Array {
    return this.#typed('f32');
  }

  i8(): Int8Array {
    return this.#typed('i8');
  }

  u8(): Uint8Array {
    return this.#typed('u8');
  }

  i16(): Int16Array {
    return this.#typed('i16');
  }

  i32(): Int32Array {
    return this.#typed('i32');
  }

  #typed<D extends StorageDType>(dtype: D): StorageArrays[D] {
    if (this.dtype !== dtype) {
      throw new QError(`${this.name} holds ${this.dtype} where an operator computes with ${dtype}.`, {
        code: 'runtime.dtype.mismatch',
        where: this.name,
        found: this.dtype,
        expected: dtype,
      });
    }
    return this.view() as StorageArrays[D];
  }
}
