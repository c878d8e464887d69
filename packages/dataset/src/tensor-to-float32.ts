import { f32FromBf16Bits, f32FromF16Bits, QError, type Tensor } from '@q/ir';

/** Values of a tensor as float32: a view when they are already, widened or rounded to nearest otherwise. */
export function tensorToFloat32(tensor: Tensor, where: string): Float32Array {
  const { dtype, data } = tensor;
  if (data instanceof Float32Array) return data;
  if (dtype === 'f16') return Float32Array.from(data as Uint16Array, f32FromF16Bits);
  if (dtype === 'bf16') return Float32Array.from(data as Uint16Array, f32FromBf16Bits);
  if (dtype === 'i4' || dtype === 'u4') {
    throw new QError(`The array in ${where} is ${dtype}, which samples cannot be.`, {
      code: 'dataset.dtype',
      where,
      found: dtype,
      expected: 'a float type, an integer type of at least 8 bits, or bool',
    });
  }
  return Float32Array.from(data as ArrayLike<number | bigint>, Number);
}
