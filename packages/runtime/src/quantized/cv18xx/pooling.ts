import { toInt } from '@q/ir';
import { applyRequantCv18xx, forEachWindow } from '@q/kernels-wasm';
import { refuse } from '../../float/refuse.ts';
import type { Implementations, OpImplementation, PrepareContext, RunOp } from '../../implementation.ts';
import { codesIn, holdsCodes, lowestCode } from '../codes.ts';
import { geometryOf, type PoolOp, poolingImplementations as shared } from '../pooling.ts';

const f = Math.fround;

/** Average of codes (numerics.md 9.3): the f32 average times the window, half up, then M / 2^r, half up. */
function prepareAverage(op: PoolOp, context: PrepareContext): RunOp {
  const { multiplier, rshift, doRelu, countIncludePad } = op.attributes;
  if (multiplier === undefined || rshift === undefined) return refuse(op, 'no multiplier', 'multiplier and rshift');
  const [x, y] = [context.input(0), context.output()];
  const { g } = geometryOf(op, context);
  const output = codesIn(y);
  const lo = lowestCode(output, doRelu);
  const [kh, kw] = g.kernel;
  const requant = { multiplier, rshift, mode: 'MultiplierShift', rounding: 'HalfUp' } as const;
  return () => {
    const [from, to] = [x.view(), y.view()];
    let at = 0;
    forEachWindow(g, (plane, [top, bottom], [left, right]) => {
      let sum = 0;
      for (let row = top; row < bottom; row++) {
        const line = (plane * g.ih + row) * g.iw;
        for (let column = left; column < right; column++) sum += from[line + column]!;
      }
      const covered = countIncludePad ? kh * kw : (bottom - top) * (right - left);
      const total = toInt(f(f(f(sum / covered) * kh) * kw), 'HalfUp');
      to[at++] = Math.min(Math.max(applyRequantCv18xx(total, requant), lo), output.hi);
    });
  };
}

/** The largest code, and the float form, are the same everywhere. */
function pool<T extends 'tpu.Pool1D' | 'tpu.Pool2D'>(type: T): OpImplementation<T> {
  const base = shared[type] as OpImplementation<T>;
  return {
    prepare: (op, context) => {
      const isAverage = (op as PoolOp).attributes.poolMode !== 'Max';
      if (!isAverage || !holdsCodes(context.output().type.dtype)) return base.prepare(op, context);
      return prepareAverage(op as PoolOp, context);
    },
  };
}

export const poolingImplementations: Implementations = {
  'tpu.Pool1D': pool('tpu.Pool1D'),
  'tpu.Pool2D': pool('tpu.Pool2D'),
};
