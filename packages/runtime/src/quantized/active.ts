import { type KnownOp, type OpOf, type ScalarFunction, scalarFunctionOf } from '@q/ir';
import type { Implementations, OpImplementation } from '../implementation.ts';
import { asTop, withRounding } from './float-form.ts';

/** The function that an operator applies: in f64, on what the operand holds (numerics.md 11). */
function functionOf(op: OpOf<'tpu.Active'>): ScalarFunction | undefined {
  // Upstream's operator answers 1 for 0, its INT8 table answers 0 (numerics.md 18.25).
  if (op.attributes.mode === 'SIGN') return (x) => (x < 0 ? -1 : 1);
  return scalarFunctionOf(asTop(op as KnownOp));
}

/**
 * A function of every element, evaluated in f64, narrowed to f32, then to the result's 16-bit type. Slower than the float
 * kernels, which are good to the last bits of f32 but not the interpreter's.
 */
const active: OpImplementation<'tpu.Active'> = {
  sharing: () => ({ kind: 'inPlace', operands: [0] }),
  prepare(op, context) {
    const [x, y] = [context.input(0), context.output()];
    const f = functionOf(op)!;
    return withRounding(op as KnownOp, context, () => {
      const [from, to] = [x.f32(), y.f32()];
      for (let i = 0; i < from.length; i++) to[i] = f(from[i]!);
    });
  },
};

export const activeImplementations: Implementations = { 'tpu.Active': active };
