import { type KnownOp, type OpOf, roundToBf16, roundToF16 } from '@q/ir';
import { BiasMode } from '@q/kernels-wasm';
import { refuse } from '../float/refuse.ts';
import type { Implementations, OpImplementation, PrepareContext } from '../implementation.ts';
import { withRounding } from './float-form.ts';

/** One code per element: bytes as they are, nibbles the even column first. */
function unpacked(data: ArrayLike<number>, bits: number): ArrayLike<number> {
  if (bits === 8) return data;
  return Uint8Array.from({ length: data.length * 2 }, (_, at) => (data[at >> 1]! >> ((at & 1) * 4)) & 15);
}

/**
 * The weights that integers and 16-bit scales stand for: (q − Z) · S in f32; 8-bit ones are then rounded to the result's
 * type, 4-bit ones are not (numerics.md 13).
 */
function scaledBack(op: OpOf<'tpu.A16MatMul'>, context: PrepareContext): Float32Array {
  const [weight, scale, zeroPoint] = [context.constant(1), context.constant(2), context.constant(3)];
  if (weight === undefined || scale === undefined) return refuse(op, 'computed weights', 'constants');
  const { weightBits } = op.attributes;
  const codes = unpacked(weight.data, weightBits);
  const perScale = codes.length / scale.data.length;
  const dtype = context.output().type.dtype;
  const narrow = weightBits === 4 ? Math.fround : dtype === 'bf16' ? roundToBf16 : roundToF16;
  return Float32Array.from({ length: codes.length }, (_, at) => {
    const group = Math.floor(at / perScale);
    return narrow(Math.fround((codes[at]! - (zeroPoint?.data[group] ?? 0)) * scale.data[group]!));
  });
}

/** A float product with weights that are stored as integers. */
const a16MatMul: OpImplementation<'tpu.A16MatMul'> = {
  prepare(op, context) {
    const { kernels } = context;
    const { wTranspose } = op.attributes;
    if (!wTranspose) refuse(op, 'weights that are not transposed', 'w_transpose = true');
    const [x, bias, y] = [context.input(0), context.optionalInput(4), context.output()];
    const weights = scaledBack(op, context);
    const N = y.shape.at(-1)!;
    const K = weights.length / N;
    const M = y.length / N;
    const placed = context.place(weights);
    const scratch = context.scratch(kernels.f32_gemm_scratch_bytes(M, N, K));
    const mode = bias === null ? BiasMode.none : BiasMode.perColumn;
    return withRounding(op as KnownOp, context, () =>
      // biome-ignore format: one argument per line hides the groups
      kernels.f32_gemm(
        x.ptr, placed.ptr, bias?.ptr ?? 0, y.ptr, scratch.ptr, M, N, K, K, 1, 1, K, N, mode, -Infinity, Infinity,
      ),
    );
  },
};

export const weightOnlyImplementations: Implementations = { 'tpu.A16MatMul': a16MatMul };
