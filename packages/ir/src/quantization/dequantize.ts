import type { TypedArray } from '../dtype.ts';
import type { TensorType } from '../tensor-type.ts';

/**
 * The reals that a stored tensor stands for: f32((q − f32(Z)) · f32(S)) (numerics.md section 0, `get_fp32_tensor`).
 * Tensors without integer quantization are copied as they are.
 */
export function dequantize(data: TypedArray, type: TensorType): Float32Array {
  const { quantization } = type;
  const values = Float32Array.from(data as ArrayLike<number>);
  if (quantization?.kind === 'uniform') {
    const scale = Math.fround(quantization.scale);
    const zeroPoint = Math.fround(quantization.zeroPoint);
    for (let i = 0; i < values.length; i++) values[i] = Math.fround(values[i]! - zeroPoint) * scale;
  } else if (quantization?.kind === 'uniformPerAxis') {
    const inner = type.shape.slice(quantization.axis + 1).reduce((product, dim) => product * dim, 1);
    const length = type.shape[quantization.axis]!;
    for (let i = 0; i < values.length; i++) {
      const index = Math.floor(i / inner) % length;
      values[i] = Math.fround(values[i]! - quantization.zeroPoints[index]!) * Math.fround(quantization.scales[index]!);
    }
  }
  return values;
}
