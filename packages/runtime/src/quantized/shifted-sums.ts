import { type OpOf, saturate } from '@q/ir';
import { multiplyShift } from '@q/kernels-wasm';
import { refuse } from '../float/refuse.ts';
import type { TensorSlot } from '../slot.ts';

/**
 * Sums of a transposed convolution of bm1684 to codes: a rounding shift, Relu, and a clamp to signed 8 bits, even where
 * the result is unsigned (numerics.md 8).
 */
export function shiftSums(op: OpOf<'tpu.Deconv'>, sums: TensorSlot, y: TensorSlot): () => void {
  const { quantMode, doRelu, rshift: shifts } = op.attributes;
  if (quantMode !== 'OnlyShift') return refuse(op, `the mode ${quantMode} with a result of ${y.dtype}`, 'OnlyShift');
  const rshift = shifts?.[0] ?? 0;
  const lo = doRelu || y.dtype === 'u8' ? 0 : -128;
  return () => {
    const [from, to] = [sums.f32(), y.view()];
    for (let i = 0; i < from.length; i++) {
      const code = saturate(multiplyShift(Math.trunc(from[i]!), 1, rshift, 'HalfUp'), 'i8');
      to[i] = Math.max(code, lo);
    }
  };
}
