import type { OpOf } from '@q/ir';
import { refuse } from '../../float/refuse.ts';
import type { Implementations, OpImplementation, PrepareContext, RunOp } from '../../implementation.ts';
import { sameShape } from '../../shapes.ts';
import type { TensorSlot } from '../../slot.ts';
import { preparePair } from '../code-pair.ts';
import { codesIn, holdsCodes, lowestCode } from '../codes.ts';
import { prepareFloat } from '../float-form.ts';

type Sum = OpOf<'tpu.Add'> | OpOf<'tpu.Sub'>;

/**
 * Σ x·m, divided by 2^r and rounded half up (numerics.md 9.3). The sums are below 2^17, so f32 holds them and the quotient
 * exactly.
 */
function prepareSum(op: Sum, context: PrepareContext): RunOp {
  if (op.inputs.length !== 2) refuse(op, `${op.inputs.length} operands`, '2');
  const { multipliers, rshifts, doRelu } = op.attributes;
  const [first = 1, given = 1] = multipliers ?? [];
  const second = op.type === 'tpu.Sub' ? -given : given;
  const rshift = rshifts?.[0] ?? 0;
  if (rshift < 0 || rshift > 30) refuse(op, `a shift by ${rshift}`, '0 to 30');
  const [a, b, y] = [context.input(0), context.input(1), context.output()];
  const { lo: lowest, hi } = codesIn(y);
  const lo = doRelu ? 0 : lowest;
  if (walkTogether(a, b, y) && Math.abs(first) <= 255 && Math.abs(second) <= 255) {
    const { kernels } = context;
    return () => kernels.qs8_add_shared(a.ptr, first, b.ptr, second, rshift, y.ptr, y.length, lo, hi);
  }
  const pair = preparePair(context, {
    op: 'addShared',
    a: { slot: a, multiplier: first, rshift },
    b: { slot: b, multiplier: second },
    y,
    zero: 0,
    lo,
    hi,
  });
  return pair ?? refuse(op, `multipliers ${first} and ${second} of ${a.dtype} and ${b.dtype}`, 'small ones of bytes');
}

/** The product of two codes by QDM. */
function prepareProduct(op: OpOf<'tpu.Mul'>, context: PrepareContext): RunOp {
  if (op.inputs.length !== 2) refuse(op, `${op.inputs.length} operands`, '2');
  if (op.attributes.quantMode !== 'QDM') refuse(op, `the mode ${op.attributes.quantMode}`, 'QDM');
  const { multiplier, rshift, doRelu } = op.attributes;
  const [a, b, y] = [context.input(0), context.input(1), context.output()];
  const output = codesIn(y);
  const lo = lowestCode(output, doRelu);
  if (walkTogether(a, b, y)) {
    const { kernels } = context;
    return () => kernels.qs8_mul_qdm(a.ptr, b.ptr, y.ptr, y.length, multiplier, rshift, lo, output.hi);
  }
  const left = { slot: a, multiplier, rshift };
  const pair = preparePair(context, { op: 'mulQdm', a: left, b: { slot: b }, y, zero: 0, lo, hi: output.hi });
  return pair ?? refuse(op, `the multiplier ${multiplier} >> ${rshift}`, 'one of QDM, on bytes');
}

/** Are all three int8, without broadcasting? */
function walkTogether(a: TensorSlot, b: TensorSlot, y: TensorSlot): boolean {
  return sameShape(a.shape, b.shape) && [a, b, y].every(({ dtype }) => dtype === 'i8');
}

/** The integer form on codes, the float form on bfloat16. */
function onCodes<T extends 'tpu.Add' | 'tpu.Sub' | 'tpu.Mul'>(
  integer: (op: OpOf<T>, context: PrepareContext) => RunOp,
): OpImplementation<T> {
  return {
    prepare: (op, context) =>
      holdsCodes(context.output().type.dtype) ? integer(op, context) : prepareFloat(op as never, context),
  };
}

export const elementwiseImplementations: Implementations = {
  'tpu.Add': onCodes<'tpu.Add'>(prepareSum),
  'tpu.Sub': onCodes<'tpu.Sub'>(prepareSum),
  'tpu.Mul': onCodes<'tpu.Mul'>(prepareProduct),
};
