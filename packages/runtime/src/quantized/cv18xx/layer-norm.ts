import { elementCount, roundToCvBf16 } from '@q/ir';
import type { Implementations, OpImplementation } from '../../implementation.ts';
import { floatIn } from '../codes.ts';
import { tablesOf } from './lut.ts';

/** LayerNorm in bfloat16 steps, its reciprocal square root from tables (numerics.md 10). */
const layerNorm: OpImplementation<'tpu.LayerNorm'> = {
  prepare(op, context) {
    const { kernels } = context;
    const [x, y] = [floatIn(context.input(0)), context.output()];
    const [weight, bias] = [context.optionalInput(1), context.optionalInput(2)];
    const root = tablesOf(op, context, 3);
    const { axis: given } = op.attributes;
    const axis = given < 0 ? given + x.shape.length : given;
    const length = elementCount(x.shape.slice(axis));
    const rows = x.length / length;
    const share = roundToCvBf16(Math.fround(1 / length));
    const eps = roundToCvBf16(Math.fround(op.attributes.eps));
    return () =>
      // biome-ignore format: one argument per line hides the groups
      kernels.cv_layernorm(
        x.ptr, y.ptr, weight?.ptr ?? 0, bias?.ptr ?? 0, rows, length, share, eps, root.first.ptr, root.second.ptr,
      );
  },
};

export const layerNormImplementations: Implementations = { 'tpu.LayerNorm': layerNorm };
