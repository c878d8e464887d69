import { byteLengthOf, type DType, elementCount, type TypedArray } from './dtype.ts';

/**
 * An array with a shape: what npy files hold and what crosses package boundaries. Row-major (C order).
 * `f16` and `bf16` are raw bits in `Uint16Array`; `i4` and `u4` are packed two per byte; `bool` is one byte each.
 */
export interface Tensor {
  readonly shape: readonly number[];
  readonly dtype: DType;
  readonly data: TypedArray;
}

type TypedArrayConstructor =
  | Float32ArrayConstructor
  | Float64ArrayConstructor
  | Int8ArrayConstructor
  | Uint8ArrayConstructor
  | Int16ArrayConstructor
  | Uint16ArrayConstructor
  | Int32ArrayConstructor
  | Uint32ArrayConstructor
  | BigInt64ArrayConstructor
  | BigUint64ArrayConstructor;

const CONSTRUCTORS: Readonly<Record<DType, TypedArrayConstructor>> = {
  f32: Float32Array,
  f64: Float64Array,
  f16: Uint16Array,
  bf16: Uint16Array,
  i4: Uint8Array,
  u4: Uint8Array,
  i8: Int8Array,
  u8: Uint8Array,
  i16: Int16Array,
  u16: Uint16Array,
  i32: Int32Array,
  u32: Uint32Array,
  i64: BigInt64Array,
  u64: BigUint64Array,
  bool: Uint8Array,
};

/** The typed array that stores `count` elements of `dtype`, filled with zeros. */
export function allocate(dtype: DType, count: number): TypedArray {
  const ArrayType = CONSTRUCTORS[dtype];
  return new ArrayType(byteLengthOf(dtype, count) / ArrayType.BYTES_PER_ELEMENT);
}

/** The elements of `dtype` that `bytes` (little-endian) hold: a view where the alignment allows it, else a copy. */
export function viewBytes(dtype: DType, bytes: Uint8Array): TypedArray {
  const ArrayType = CONSTRUCTORS[dtype];
  const size = ArrayType.BYTES_PER_ELEMENT;
  // Not `slice()`: on a Node Buffer that is a view.
  const source = bytes.byteOffset % size === 0 ? bytes : new Uint8Array(bytes);
  return new ArrayType(source.buffer as ArrayBuffer, source.byteOffset, source.byteLength / size);
}

/** The bytes of a typed array, as a view. */
export function bytesOf(data: TypedArray): Uint8Array {
  return new Uint8Array(data.buffer as ArrayBuffer, data.byteOffset, data.byteLength);
}

/** A `f32` tensor; `shape` defaults to one dimension. */
export function f32Tensor(data: Float32Array | readonly number[], shape: readonly number[] = [data.length]): Tensor {
  const values = data instanceof Float32Array ? data : Float32Array.from(data);
  if (elementCount(shape) !== values.length) {
    throw new RangeError(`shape [${shape.join(', ')}] has ${elementCount(shape)} elements, the data ${values.length}`);
  }
  return { shape, dtype: 'f32', data: values };
}
