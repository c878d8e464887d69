import type { OpOf } from '@q/ir';
import { applyRequantCv18xx } from '@q/kernels-wasm';
import type { Implementations, OpImplementation, PrepareContext, RunOp } from '../../implementation.ts';
import { inOrder } from '../../in-order.ts';
import { aroundAxis } from '../../shapes.ts';
import { prepareCopy } from '../../strided-copy.ts';
import { codeBytes } from '../code-table.ts';
import { codesIn, holdsCodes, lowestCode } from '../codes.ts';
import { prepareFloat } from '../float-form.ts';

/** Bytes of the operand's codes at the result's threshold; undefined where they stay as they are. */
function tableOf(multiplier: number, rshift: number, lowest: number): Uint8Array | undefined {
  if (multiplier === 1 && rshift === 0 && lowest === -128) return undefined;
  return codeBytes(true, (code) => {
    const scaled =
      multiplier === 1 && rshift === 0
        ? code
        : applyRequantCv18xx(code, { multiplier, rshift, mode: 'MultiplierShift', rounding: 'HalfUp' });
    return Math.min(Math.max(scaled, lowest), 127);
  });
}

/** Operands are rescaled one by one, then lie behind each other (numerics.md 9.3). */
function prepareCodes(op: OpOf<'tpu.Concat'>, context: PrepareContext): RunOp {
  const { kernels } = context;
  const { multipliers, rshifts, doRelu, axis: given } = op.attributes;
  const y = context.output();
  const axis = given < 0 ? given + y.shape.length : given;
  const { outer, axis: total, inner } = aroundAxis(y.shape, axis);
  const lowest = lowestCode(codesIn(y), doRelu);
  let position = 0;
  const parts = context.inputs().map((x, index) => {
    const length = x.shape[axis]! * inner;
    const table = tableOf(multipliers?.[index] ?? 1, rshifts?.[index] ?? 0, lowest);
    const placed = table && context.place(table);
    const scaled = placed && context.scratch(x.length);
    const copy = prepareCopy(context, x.dtype, {
      dims: [outer, length],
      sourceStrides: [length, 1],
      targetStrides: [total * inner, 1],
    });
    const offset = position;
    position += length;
    return () => {
      if (placed !== undefined) kernels.lut_x8(x.ptr, placed.ptr, scaled!.ptr, x.length);
      copy(scaled?.ptr ?? x.ptr, y.ptr + offset);
    };
  });
  return inOrder(parts);
}

const concat: OpImplementation<'tpu.Concat'> = {
  prepare: (op, context) =>
    holdsCodes(context.output().type.dtype) ? prepareCodes(op, context) : prepareFloat(op, context),
};

export const concatImplementations: Implementations = { 'tpu.Concat': concat };
