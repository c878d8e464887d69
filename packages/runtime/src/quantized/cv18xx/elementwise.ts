import type { OpOf } from '@q/ir';
import { refuse } from '../../float/refuse.ts';
import type { Implementations, OpImplementation, PrepareContext, RunOp } from '../../implementation.ts';
import { planWalk } from '../broadcast.ts';
import { codesIn, holdsCodes, lowestCode } from '../codes.ts';
import { prepareFloat } from '../float-form.ts';
import { applyQdm } from './requant.ts';

/** Largest magnitude of a product of two codes. */
const LARGEST_PRODUCT = 2 ** 14;

/** `count` codes at the addresses a, b and y. */
type Run = (a: number, b: number, y: number, count: number) => void;

/** y = f(a, b) of the codes of two operands, with broadcasting; `run` does the same where both walk through. */
function prepareBinary(context: PrepareContext, f: (a: number, b: number) => number, run: Run): RunOp {
  const [a, b, y] = [context.input(0), context.input(1), context.output()];
  const walk = planWalk([a.shape, b.shape], y.shape);
  const [stepA, stepB] = walk.steps as [number, number];
  if (stepA === 1 && stepB === 1 && [a, b, y].every(({ dtype }) => dtype === 'i8')) {
    return () => walk.each((at, [firstA, firstB]) => run(a.ptr + firstA!, b.ptr + firstB!, y.ptr + at, walk.count));
  }
  return () => {
    const [left, right, to] = [a.view(), b.view(), y.view()];
    walk.each((at, [firstA, firstB]) => {
      for (let i = 0; i < walk.count; i++) to[at + i] = f(left[firstA! + i * stepA]!, right[firstB! + i * stepB]!);
    });
  };
}

type Sum = OpOf<'tpu.Add'> | OpOf<'tpu.Sub'>;

/**
 * Σ x·m, divided by 2^r and rounded half up (numerics.md 9.3). The sums are below 2^17, so f32 holds them and the quotient
 * exactly.
 */
function prepareSum(op: Sum, context: PrepareContext): RunOp {
  if (op.inputs.length !== 2) refuse(op, `${op.inputs.length} operands`, '2');
  const { multipliers, rshifts, doRelu } = op.attributes;
  const [first = 1, second = 1] = multipliers ?? [];
  const rshift = rshifts?.[0] ?? 0;
  if (rshift < 0 || rshift > 30) refuse(op, `a shift by ${rshift}`, '0 to 30');
  const half = rshift === 0 ? 0 : 2 ** (rshift - 1);
  const { lo, hi } = codesIn(context.output());
  const lowest = doRelu ? 0 : lo;
  const sign = op.type === 'tpu.Sub' ? -1 : 1;
  const { kernels } = context;
  return prepareBinary(
    context,
    (a, b) => Math.min(Math.max((a * first + sign * b * second + half) >> rshift, lowest), hi),
    (a, b, y, count) => kernels.qs8_add_shared(a, first, b, sign * second, rshift, y, count, lowest, hi),
  );
}

/** Every product of two codes requantized once, in a table. */
function prepareProduct(op: OpOf<'tpu.Mul'>, context: PrepareContext): RunOp {
  if (op.inputs.length !== 2) refuse(op, `${op.inputs.length} operands`, '2');
  if (op.attributes.quantMode !== 'QDM') refuse(op, `the mode ${op.attributes.quantMode}`, 'QDM');
  const { multiplier, rshift, doRelu } = op.attributes;
  const output = codesIn(context.output());
  const lowest = lowestCode(output, doRelu);
  const table = Int8Array.from({ length: 2 * LARGEST_PRODUCT + 1 }, (_, at) => {
    const value = applyQdm(at - LARGEST_PRODUCT, multiplier, rshift);
    return Math.min(Math.max(value, lowest), output.hi);
  });
  const { kernels } = context;
  return prepareBinary(
    context,
    (a, b) => table[a * b + LARGEST_PRODUCT]!,
    (a, b, y, count) => kernels.qs8_mul_qdm(a, b, y, count, multiplier, rshift, lowest, output.hi),
  );
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
