import { QError, type Tensor } from '@q/ir';

/** Values of a tensor as float32: a view when they are already, rounded to nearest otherwise. */
export function tensorToFloat32(tensor: Tensor, where: string): Float32Array {
  const { dtype, data } = tensor;
  if (data instanceof Float32Array) return data;
  if (dtype === 'f16' || dtype === 'bf16' || dtype === 'i4' || dtype === 'u4') {
    throw new QError(`The array in ${where} is ${dtype}, which samples cannot be.`, {
      code: 'dataset.dtype',
      where,
      found: dtype,
      expected: 'float32, float64, an integer type or bool',
      hint: 'store it as float32',
    });
  }
  return Float32Array.from(data as ArrayLike<number | bigint>, Number);
}
