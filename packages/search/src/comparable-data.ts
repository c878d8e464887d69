import { elementCount, f32FromBf16Bits, f32FromF16Bits, type Tensor } from '@q/ir';

export interface ComparablePair {
  readonly a: Float64Array;
  readonly b: Float64Array;
  readonly shape: readonly number[];
  /** At least one side holds INT8 codes. */
  readonly isInt8: boolean;
  /** One side was cropped to the shape of the other. */
  readonly cropped: boolean;
}

/**
 * Both tensors in one shape and one type, as `npz_tool compare` aligns them (cli.md 7.2): int8 when either is int8, else
 * int32 when either is, else float32; uint16 holds BF16. `undefined` when the shapes do not fit.
 */
export function comparableData(target: Tensor, reference: Tensor): ComparablePair | undefined {
  const narrow = narrowing(target, reference);
  const isInt8 = [target.dtype, reference.dtype].includes('i8');
  const [a, b] = [valuesOf(target, narrow), valuesOf(reference, narrow)];
  if (a.length === b.length) return { a, b, shape: target.shape, isInt8, cropped: false };
  const [s, t] = [target.shape, reference.shape];
  if (s.length !== t.length) return undefined;
  if (s.every((dim, i) => dim >= t[i]!)) return { a: crop(a, s, t), b, shape: t, isInt8, cropped: true };
  if (s.every((dim, i) => dim <= t[i]!)) return { a, b: crop(b, t, s), shape: s, isInt8, cropped: true };
  return undefined;
}

function narrowing(target: Tensor, reference: Tensor): (value: number) => number {
  const types = [target.dtype, reference.dtype];
  if (types.includes('i8')) return (value) => (value << 24) >> 24;
  if (types.includes('i32')) return (value) => value | 0;
  return Math.fround;
}

/** The elements as numbers; 16-bit integers without sign are BF16 bits. */
export function valuesOf(tensor: Tensor, narrow: (value: number) => number = (value) => value): Float64Array {
  const { dtype, data } = tensor;
  const result = new Float64Array(elementCount(tensor.shape));
  for (let i = 0; i < result.length; i++) {
    const raw = Number(data[i]!);
    const value =
      dtype === 'u16' || dtype === 'bf16' ? f32FromBf16Bits(raw) : dtype === 'f16' ? f32FromF16Bits(raw) : raw;
    result[i] = narrow(value);
  }
  return result;
}

/** The corner of `data` of shape `from` that has the shape `to`. */
function crop(data: Float64Array, from: readonly number[], to: readonly number[]): Float64Array {
  const result = new Float64Array(elementCount(to));
  for (let at = 0; at < result.length; at++) {
    let rest = at;
    let source = 0;
    let stride = 1;
    for (let axis = to.length - 1; axis >= 0; axis--) {
      source += (rest % to[axis]!) * stride;
      rest = Math.floor(rest / to[axis]!);
      stride *= from[axis]!;
    }
    result[at] = data[source]!;
  }
  return result;
}
