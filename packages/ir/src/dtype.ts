/** Element types of stored data. `f16` and `bf16` are held as raw bits in `Uint16Array`, `i4`/`u4` packed two per byte. */
export type DType =
  | 'f32'
  | 'f64'
  | 'f16'
  | 'bf16'
  | 'i4'
  | 'u4'
  | 'i8'
  | 'u8'
  | 'i16'
  | 'u16'
  | 'i32'
  | 'u32'
  | 'i64'
  | 'u64'
  | 'bool';

export type TypedArray =
  | Float32Array
  | Float64Array
  | Int8Array
  | Uint8Array
  | Int16Array
  | Uint16Array
  | Int32Array
  | Uint32Array
  | BigInt64Array
  | BigUint64Array;

const BITS: Readonly<Record<DType, number>> = {
  f32: 32,
  f64: 64,
  f16: 16,
  bf16: 16,
  i4: 4,
  u4: 4,
  i8: 8,
  u8: 8,
  i16: 16,
  u16: 16,
  i32: 32,
  u32: 32,
  i64: 64,
  u64: 64,
  bool: 8,
};

/** Bytes that `count` elements of `dtype` occupy; 4-bit types round up to whole bytes. */
export function byteLengthOf(dtype: DType, count: number): number {
  return Math.ceil((BITS[dtype] * count) / 8);
}

export function elementCount(shape: readonly number[]): number {
  return shape.reduce((product, dim) => product * dim, 1);
}
