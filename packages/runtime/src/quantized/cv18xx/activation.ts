import type { OpOf } from '@q/ir';
import { applyRequantCv18xx } from '@q/kernels-wasm';
import { refuse } from '../../float/refuse.ts';
import type { Implementations, OpImplementation, PrepareContext, RunOp } from '../../implementation.ts';
import { aroundAxis } from '../../shapes.ts';
import { codeBytes, mapCodes } from '../code-table.ts';
import { codesIn, holdsCodes } from '../codes.ts';
import { prepareFloat } from '../float-form.ts';

const clampByte = (value: number): number => Math.min(Math.max(value, -128), 127);

/** x·M / 2^r in f32, half up. */
function scaled(code: number, multiplier: number, rshift: number): number {
  return applyRequantCv18xx(code, { multiplier, rshift, mode: 'MultiplierShift', rounding: 'HalfUp' });
}

/** A pair for each sign. */
function prepareLeakyRelu(op: OpOf<'tpu.LeakyRelu'>, context: PrepareContext): RunOp {
  const { multiplier = 0, rshift = 0, multiplierNeg, rshiftNeg } = op.attributes;
  if (multiplierNeg === undefined || rshiftNeg === undefined) return refuse(op, 'no negative multiplier', 'both signs');
  return mapCodes(context, (code) => {
    if (code >= 0) return clampByte(multiplier === 0 ? code : scaled(code, multiplier, rshift));
    return clampByte(scaled(code, multiplierNeg, rshiftNeg));
  });
}

/** One slope per channel under a shared shift, and a pair for what is not negative. */
function preparePRelu(op: OpOf<'tpu.PReluOp'>, context: PrepareContext): RunOp {
  const { kernels } = context;
  const [x, y] = [context.input(0), context.output()];
  const slopes = context.constant(1) ?? refuse(op, 'computed slopes', 'a weight');
  const { rshift, rshiftPos = 0, multiplierPos = 1 } = op.attributes;
  const { outer, axis, inner } = aroundAxis(x.shape, 1);
  const tables = new Uint8Array(slopes.data.length * 256);
  Array.from(slopes.data as ArrayLike<number>).forEach((slope, index) => {
    const one = (code: number): number =>
      code >= 0 ? scaled(code, multiplierPos, rshiftPos) : scaled(code, slope, rshift);
    tables.set(
      codeBytes(true, (code) => clampByte(one(code))),
      index * 256,
    );
  });
  const placed = context.place(tables);
  return () => {
    for (let plane = 0; plane < outer * axis; plane++) {
      const table = placed.ptr + 256 * (plane % slopes.data.length);
      kernels.lut_x8(x.ptr + plane * inner, table, y.ptr + plane * inner, inner);
    }
  };
}

/** On codes only the absolute value exists; everything else is a table. */
function prepareActive(op: OpOf<'tpu.Active'>, context: PrepareContext): RunOp {
  if (op.attributes.mode !== 'ABSVAL') refuse(op, `${op.attributes.mode} on codes`, 'ABSVAL');
  const { hi } = codesIn(context.output());
  return mapCodes(context, (code) => Math.min(Math.abs(code), hi));
}

/** The integer form on codes, the float form on bfloat16. */
function onCodes<T extends 'tpu.LeakyRelu' | 'tpu.PReluOp' | 'tpu.Active'>(
  integer: (op: OpOf<T>, context: PrepareContext) => RunOp,
): OpImplementation<T> {
  return {
    prepare: (op, context) =>
      holdsCodes(context.output().type.dtype) ? integer(op, context) : prepareFloat(op as never, context),
  };
}

export const activationImplementations: Implementations = {
  'tpu.LeakyRelu': onCodes<'tpu.LeakyRelu'>(prepareLeakyRelu),
  'tpu.PReluOp': onCodes<'tpu.PReluOp'>(preparePRelu),
  'tpu.Active': onCodes<'tpu.Active'>(prepareActive),
};
