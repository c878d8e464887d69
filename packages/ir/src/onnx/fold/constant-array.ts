import { elementCount, type TypedArray } from '../../dtype.ts';
import { roundToBf16, roundToF16 } from '../../quantization/float16.ts';
import { allocate } from '../../tensor.ts';
import type { Constant, ElementType } from '../tensor-data.ts';

/** A zero-filled array that stores `count` elements of a constant of this type. */
export function allocateElements(type: ElementType, count: number): TypedArray {
  switch (type) {
    case 'f16':
    case 'bf16':
      return new Float32Array(count);
    case 'i4':
      return new Int8Array(count);
    case 'u4':
    case 'string':
      return new Uint8Array(count);
    default:
      return allocate(type, count);
  }
}

export function isInt64(type: ElementType): boolean {
  return type === 'i64' || type === 'u64';
}

/** Writes one element, rounded to 16-bit floats where that is the type; integers wrap as they do in C. */
export function writeElement(target: TypedArray, type: ElementType, index: number, value: number | bigint): void {
  if (target instanceof BigInt64Array || target instanceof BigUint64Array) {
    target[index] = typeof value === 'bigint' ? value : BigInt(Math.trunc(value));
    return;
  }
  const number = Number(value);
  target[index] = type === 'f16' ? roundToF16(number) : type === 'bf16' ? roundToBf16(number) : number;
}

/** An int64 constant of rank 1. */
export function int64Vector(values: readonly (number | bigint)[]): Constant {
  return { shape: [values.length], elementType: 'i64', data: BigInt64Array.from(values, BigInt) };
}

/** Row-major strides, in elements. */
export function stridesOf(shape: readonly number[]): number[] {
  const strides: number[] = new Array(shape.length);
  let stride = 1;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    strides[axis] = stride;
    stride *= shape[axis]!;
  }
  return strides;
}

/**
 * The constant whose element at coordinates c is `source[offset + Σ c·strides]`: every copy that only moves data
 * (transpose, slice, broadcast) is one of these.
 */
export function gatherStrided(
  source: Constant,
  shape: readonly number[],
  strides: readonly number[],
  offset = 0,
): Constant {
  const data = allocateElements(source.elementType, elementCount(shape));
  const coordinates = shape.map(() => 0);
  let from = offset;
  for (let index = 0; index < data.length; index++) {
    data[index] = source.data[from]!;
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      from += strides[axis]!;
      if (++coordinates[axis]! < shape[axis]!) break;
      from -= strides[axis]! * shape[axis]!;
      coordinates[axis] = 0;
    }
  }
  return { shape, elementType: source.elementType, data };
}

/** Strides that read a tensor of shape `from` as if it were broadcast to `to`. */
export function broadcastStrides(from: readonly number[], to: readonly number[]): number[] {
  const own = stridesOf(from);
  return to.map((_, axis) => {
    const at = axis - to.length + from.length;
    return at < 0 || from[at] === 1 ? 0 : own[at]!;
  });
}
