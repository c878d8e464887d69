import { type DType, f32FromBf16Bits, f32FromF16Bits, QError, type TypedArray, type Weight, widened } from '@q/ir';

/** How a value lies in WASM memory. Everything float is float32; 4-bit integers take a byte each. */
export type StorageDType = 'f32' | 'i8' | 'u8' | 'i16' | 'i32';

export interface StorageArrays {
  f32: Float32Array;
  i8: Int8Array;
  u8: Uint8Array;
  i16: Int16Array;
  i32: Int32Array;
}

export type StorageArray = StorageArrays[StorageDType];

/**
 * `f16` and `bf16` values are held as float32 that the operator has rounded (numerics.md 0: every tensor of the vendor's
 * interpreter is a float32 buffer); `i4` and `u4` are widened to a byte.
 */
const STORAGE: Readonly<Partial<Record<DType, StorageDType>>> = {
  f32: 'f32',
  f16: 'f32',
  bf16: 'f32',
  i4: 'i8',
  i8: 'i8',
  u4: 'u8',
  u8: 'u8',
  i16: 'i16',
  // 16-bit unsigned codes are rare and short-lived: they are held wide.
  u16: 'i32',
  i32: 'i32',
  // Tables of bm1684 are stored so; what they hold fits 31 bits.
  u32: 'i32',
};

const BYTES: Readonly<Record<StorageDType, number>> = { f32: 4, i8: 1, u8: 1, i16: 2, i32: 4 };

/** @throws QError `runtime.dtype.unsupported` for types that no operator computes with. */
export function storageOf(dtype: DType, where: string): StorageDType {
  const storage = STORAGE[dtype];
  if (storage !== undefined) return storage;
  throw new QError(`${where} has element type ${dtype}, which the runtime does not hold.`, {
    code: 'runtime.dtype.unsupported',
    where,
    found: dtype,
    expected: Object.keys(STORAGE).join(', '),
  });
}

export function bytesPerElement(storage: StorageDType): number {
  return BYTES[storage];
}

/** A view of `length` elements at `ptr`. */
export function viewOf<D extends StorageDType>(
  dtype: D,
  buffer: ArrayBuffer,
  ptr: number,
  length: number,
): StorageArrays[D];
export function viewOf(dtype: StorageDType, buffer: ArrayBuffer, ptr: number, length: number): StorageArray {
  switch (dtype) {
    case 'f32':
      return new Float32Array(buffer, ptr, length);
    case 'i8':
      return new Int8Array(buffer, ptr, length);
    case 'u8':
      return new Uint8Array(buffer, ptr, length);
    case 'i16':
      return new Int16Array(buffer, ptr, length);
    case 'i32':
      return new Int32Array(buffer, ptr, length);
  }
}

/** Storage type of a caller's array, or undefined when it is of a kind that values never have. */
export function storageOfArray(data: TypedArray): StorageDType | undefined {
  if (data instanceof Float32Array) return 'f32';
  if (data instanceof Int8Array) return 'i8';
  if (data instanceof Uint8Array) return 'u8';
  if (data instanceof Int16Array) return 'i16';
  if (data instanceof Int32Array) return 'i32';
  return undefined;
}

/** Data of a weight in its storage type: half floats are widened, packed 4-bit integers unpacked. */
export function weightInStorage(weight: Weight, length: number, where: string): StorageArray {
  const { dtype } = weight.type;
  const storage = storageOf(dtype, where);
  if (storageOfArray(weight.data) === storage && weight.data.length === length) return weight.data as StorageArray;
  if (dtype === 'f16' && weight.data instanceof Uint16Array) return widened(weight.data, f32FromF16Bits);
  if (dtype === 'bf16' && weight.data instanceof Uint16Array) return widened(weight.data, f32FromBf16Bits);
  if (dtype === 'u32' && weight.data instanceof Uint32Array) return Int32Array.from(weight.data);
  if (dtype === 'i4' || dtype === 'u4') return unpackNibbles(weight.data, dtype, length);
  throw new QError(`The data of weight ${where} do not fit its type.`, {
    code: 'runtime.weight.mismatch',
    where,
    found: `${weight.data.constructor.name} of ${weight.data.length}`,
    expected: `${length} elements of ${dtype}`,
  });
}

/** Two per byte, the low nibble first. */
function unpackNibbles(packed: TypedArray, dtype: 'i4' | 'u4', length: number): StorageArray {
  const bytes = new Uint8Array(packed.buffer, packed.byteOffset, packed.byteLength);
  const out = dtype === 'i4' ? new Int8Array(length) : new Uint8Array(length);
  for (let i = 0; i < length; i++) {
    const nibble = (bytes[i >> 1]! >> ((i & 1) * 4)) & 15;
    out[i] = dtype === 'i4' ? (nibble << 28) >> 28 : nibble;
  }
  return out;
}
