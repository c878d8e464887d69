import type { OpOf } from '@q/ir';
import { refuse } from '../float/refuse.ts';
import type { PrepareContext, RunOp } from '../implementation.ts';
import type { TensorSlot } from '../slot.ts';

/**
 * Sums of a transposed convolution of bm1684 to codes: a rounding shift, Relu, and a clamp to signed 8 bits, even where
 * the result is unsigned (numerics.md 8).
 */
export function shiftSums(op: OpOf<'tpu.Deconv'>, context: PrepareContext, sums: TensorSlot): RunOp {
  const { kernels } = context;
  const { quantMode, doRelu, rshift: shifts } = op.attributes;
  const y = context.output();
  if (quantMode !== 'OnlyShift') return refuse(op, `the mode ${quantMode} with a result of ${y.dtype}`, 'OnlyShift');
  const rshift = shifts?.[0] ?? 0;
  const lo = doRelu || y.dtype === 'u8' ? 0 : -128;
  const whole = context.scratch(4 * y.length);
  return () => {
    kernels.f32_to_i32(sums.ptr, whole.ptr, y.length);
    kernels.requant_x32(whole.ptr, y.ptr, 1, y.length, 1, rshift, 0, 0, lo, 127);
  };
}
