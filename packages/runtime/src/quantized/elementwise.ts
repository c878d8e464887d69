import type { OpOf } from '@q/ir';
import type { CodeOpName } from '@q/kernels-wasm';
import { prepareBinary, scalarOperand } from '../float/broadcast.ts';
import { refuse } from '../float/refuse.ts';
import type { Implementations, OpImplementation, PrepareContext, RunOp } from '../implementation.ts';
import { broadcastStrides, contiguousStrides, sameShape } from '../shapes.ts';
import { TensorSlot } from '../slot.ts';
import { prepareCopy } from '../strided-copy.ts';
import { type CodeOperand, type CodePair, preparePair } from './code-pair.ts';
import { distancesOf, prepareWholeFold, termsOf } from './code-sum.ts';
import { type Codes, codesIn, flag, isByte, lowestCode } from './codes.ts';
import { asFloat } from './float-form.ts';
import { mixed } from './mixed.ts';

/** Shifts and multipliers that the vector kernels take. */
function fitsKernel(multiplier: number, rshift: number): boolean {
  return Math.abs(multiplier) <= 127 && rshift >= 0 && rshift <= 30;
}

/** The codes of a slot as sums and products read them: without zero point in symmetric networks. */
function codesFor(context: PrepareContext, slot: TensorSlot): Codes {
  const codes = codesIn(slot);
  return context.asymmetric ? codes : { ...codes, zero: 0 };
}

function factorsOf(op: OpOf<'tpu.Add'> | OpOf<'tpu.Sub'>, index: number): readonly [number, number] {
  return [op.attributes.multipliers?.[index] ?? 1, op.attributes.rshifts?.[index] ?? 0];
}

/** Sums of more than two operands, or with multipliers beyond the kernels'. */
function prepareManyTerms(
  op: OpOf<'tpu.Add'> | OpOf<'tpu.Sub'>,
  context: PrepareContext,
  range: { readonly zero: number; readonly lo: number; readonly hi: number },
): RunOp {
  const { kernels } = context;
  const y = context.output();
  const isReverse = op.type === 'tpu.Sub' && op.attributes.isReverse;
  const tables = context.inputs().map((slot, index) => {
    const terms = termsOf(slot, codesFor(context, slot).zero, factorsOf(op, index));
    const isTaken = op.type === 'tpu.Sub' && (index === 0) === isReverse;
    return isTaken ? terms.map((term) => -term) : terms;
  });
  const fold =
    prepareWholeFold(context, { operation: 'add', tables }) ?? refuse(op, 'these operands', 'codes of one byte');
  return () => {
    fold.run();
    kernels.f32_to_q8(fold.result.ptr, y.ptr, y.length, 1, 0, range.zero, range.lo, range.hi);
  };
}

const add: OpImplementation<'tpu.Add'> = {
  prepare(op, context) {
    const { kernels } = context;
    const operands = context.inputs();
    const [a, b] = operands as [TensorSlot, TensorSlot];
    const y = context.output();
    const output = codesFor(context, y);
    const lo = lowestCode(output, op.attributes.doRelu);
    const { zero, hi } = output;
    if (operands.length !== 2) return prepareManyTerms(op, context, { zero, lo, hi });
    const [first, second] = [codesFor(context, a), codesFor(context, b)];
    const [[mA, sA], [mB, sB]] = [factorsOf(op, 0), factorsOf(op, 1)];
    if (!sameShape(a.shape, b.shape) || ![a, b, y].every(isByte) || !fitsKernel(mA, sA) || !fitsKernel(mB, sB)) {
      const pair = sumPair(op, context, { zero, lo, hi });
      return preparePair(context, pair) ?? prepareManyTerms(op, context, { zero, lo, hi });
    }
    return () =>
      // biome-ignore format: one argument per line hides the groups
      kernels.qs8_add(
        a.ptr, flag(first.signed), first.zero, mA, sA, b.ptr, flag(second.signed), second.zero, mB, sB,
        y.ptr, y.length, zero, lo, hi,
      );
  },
};

function sumPair(
  op: OpOf<'tpu.Add'> | OpOf<'tpu.Sub'>,
  context: PrepareContext,
  range: { readonly zero: number; readonly lo: number; readonly hi: number },
): CodePair {
  const [a, b] = [0, 1].map((index) => {
    const slot = context.input(index);
    const [multiplier, rshift] = factorsOf(op, index);
    return { slot, zero: codesFor(context, slot).zero, multiplier, rshift };
  }) as [CodeOperand, CodeOperand];
  if (op.type === 'tpu.Add') return { op: 'add', a, b, y: context.output(), ...range };
  const [left, right] = op.attributes.isReverse ? [b, a] : [a, b];
  return { op: 'sub', a: left, b: right, y: context.output(), ...range };
}

/** The rounded term of the second operand is subtracted: rounding a negated product would differ at ties. */
const sub: OpImplementation<'tpu.Sub'> = {
  prepare(op, context) {
    const { zero, hi, ...output } = codesFor(context, context.output());
    const range = { zero, lo: lowestCode({ ...output, zero, hi }, op.attributes.doRelu), hi };
    if (op.inputs.length !== 2) return prepareManyTerms(op, context, range);
    return preparePair(context, sumPair(op, context, range)) ?? prepareManyTerms(op, context, range);
  },
};

const mul: OpImplementation<'tpu.Mul'> = {
  prepare(op, context) {
    const { kernels } = context;
    const operands = context.inputs();
    const [a, b] = operands as [TensorSlot, TensorSlot];
    const y = context.output();
    const output = codesFor(context, y);
    const { multiplier, rshift, doRelu } = op.attributes;
    const lo = lowestCode(output, doRelu);
    if (operands.length !== 2) return prepareProduct(op, context, output, lo);
    const [first, second] = [codesFor(context, a), codesFor(context, b)];
    if (!sameShape(a.shape, b.shape) || ![a, b, y].every(isByte) || !fitsKernel(multiplier, rshift)) {
      const pair = preparePair(context, {
        op: 'mul',
        a: { slot: a, zero: first.zero, multiplier, rshift },
        b: { slot: b, zero: second.zero },
        y,
        zero: output.zero,
        lo,
        hi: output.hi,
      });
      return pair ?? prepareProduct(op, context, output, lo);
    }
    return () =>
      // biome-ignore format: one argument per line hides the groups
      kernels.qs8_mul(
        a.ptr, flag(first.signed), first.zero, b.ptr, flag(second.signed), second.zero, y.ptr, y.length,
        multiplier, rshift, output.zero, lo, output.hi,
      );
  },
};

/** Products of any number of codes and any multiplier. */
function prepareProduct(op: OpOf<'tpu.Mul'>, context: PrepareContext, { zero, hi }: Codes, lo: number): RunOp {
  const { kernels } = context;
  const y = context.output();
  const { multiplier, rshift } = op.attributes;
  const tables = context.inputs().map((slot) => distancesOf(slot, codesFor(context, slot).zero));
  const fold =
    prepareWholeFold(context, { operation: 'mul', tables }) ??
    refuse(op, `${tables.length} operands`, 'codes of one byte, of two operands');
  const products = context.scratch(4 * y.length);
  return () => {
    fold.run();
    kernels.f32_to_i32(fold.result.ptr, products.ptr, y.length);
    kernels.requant_x32(products.ptr, y.ptr, 1, y.length, multiplier, rshift, 0, zero, lo, hi);
  };
}

/** Max and Min compare raw codes, whatever their scales (numerics.md 18.13). */
function extremum<T extends 'tpu.Max' | 'tpu.Min'>(operation: 'max' | 'min'): OpImplementation<T> {
  return {
    prepare(op, context) {
      const { kernels } = context;
      const y = context.output();
      const output = codesIn(y);
      const [lo, hi] = [lowestCode(output, (op.attributes as { doRelu: boolean }).doRelu), output.hi];
      const operands = context.inputs();
      const [a, b] = operands.map((slot): CodeOperand => ({ slot }));
      const pair = operands.length === 2 && preparePair(context, { op: operation, a: a!, b: b!, y, zero: 0, lo, hi });
      if (pair) return pair;
      const tables = operands.map((slot) => distancesOf(slot, 0));
      const fold =
        prepareWholeFold(context, { operation, tables }) ?? refuse(op, 'these operands', 'codes of one byte');
      return () => {
        fold.run();
        kernels.f32_to_q8(fold.result.ptr, y.ptr, y.length, 1, 0, 0, lo, hi);
      };
    },
  };
}

/** Comparisons, and whether their operands change places. */
const COMPARISONS: Readonly<Record<string, readonly [CodeOpName, boolean]>> = {
  Equal: ['equal', false],
  NotEqual: ['notEqual', false],
  Less: ['less', false],
  LessOrEqual: ['lessOrEqual', false],
  Greater: ['less', true],
  GreaterOrEqual: ['lessOrEqual', true],
  Xor: ['xor', false],
};

const compare: OpImplementation<'tpu.Compare'> = {
  prepare(op, context) {
    const { mode } = op.attributes;
    const [operation, isSwapped] =
      COMPARISONS[mode] ?? refuse(op, `the mode ${mode}`, Object.keys(COMPARISONS).join(', '));
    const [a, b] = [0, 1].map((index): CodeOperand => ({ slot: context.input(isSwapped ? 1 - index : index) }));
    const pair = { op: operation, a: a!, b: b!, y: context.output(), zero: 0, lo: 0, hi: 1 };
    return preparePair(context, pair) ?? refuse(op, 'these operands', 'codes of one byte');
  },
};

/** Bytes of an operand, repeated to the shape of the result where it is smaller; a single one is left to the kernel. */
function bytesOf(context: PrepareContext, slot: TensorSlot) {
  const y = context.output();
  if (slot.length === y.length) return { slot, step: 1, expand: undefined };
  const whole = context.scratch(y.length);
  const copy = prepareCopy(context, slot.dtype, {
    dims: y.shape,
    sourceStrides: broadcastStrides(slot.shape, y.shape),
    targetStrides: contiguousStrides(y.shape),
  });
  return { slot: whole, step: 1, expand: () => copy(slot.ptr, whole.ptr) };
}

/** A condition as bytes: a float one is compared with zero first. */
function conditionOf(context: PrepareContext) {
  const slot = context.input(0);
  if (slot.dtype !== 'f32') return bytesOf(context, slot);
  const { kernels } = context;
  const [floats, bytes] = [
    context.scratch(4 * slot.length),
    new TensorSlot(slot.name, { shape: slot.shape, dtype: 'u8' }, context.memory),
  ];
  const scratch = context.scratch(slot.length);
  const operand = { slot, shape: [slot.length] };
  const test = prepareBinary(context, { operation: 'notEqual', a: operand, b: scalarOperand(context, 0), y: floats });
  const whole = bytesOf(context, bytes);
  const expand = (): void => {
    bytes.ptr = scratch.ptr;
    test();
    kernels.f32_to_q8(floats.ptr, bytes.ptr, slot.length, 1, 0, 0, 0, 1);
    whole.expand?.();
  };
  return { ...whole, expand };
}

/** Constants are codes already. */
const where: OpImplementation<'tpu.Where'> = {
  prepare(op, context) {
    const { kernels } = context;
    const { xIsConst, yIsConst, xConstVal, yConstVal } = op.attributes;
    const y = context.output();
    const branch = (index: number, isConst: boolean, value: number) =>
      isConst
        ? { slot: context.place(Int8Array.of(value)), step: 0, expand: undefined }
        : bytesOf(context, context.input(index));
    const tensors = [y, ...(xIsConst ? [] : [context.input(1)]), ...(yIsConst ? [] : [context.input(2)])];
    if (!tensors.every(isByte)) refuse(op, 'these operands', 'codes of one byte');
    const condition = conditionOf(context);
    const [a, b] = [branch(1, xIsConst, xConstVal), branch(2, yIsConst, yConstVal)];
    return () => {
      condition.expand?.();
      a.expand?.();
      b.expand?.();
      kernels.select_x8(condition.slot.ptr, a.slot.ptr, a.step, b.slot.ptr, b.step, y.ptr, y.length);
    };
  },
};

export const elementwiseImplementations: Implementations = {
  'tpu.Add': mixed(add),
  'tpu.Sub': mixed(sub),
  'tpu.Mul': mixed(mul),
  'tpu.Div': asFloat(),
  'tpu.Pow3': asFloat(),
  'tpu.Max': mixed(extremum<'tpu.Max'>('max')),
  'tpu.Min': mixed(extremum<'tpu.Min'>('min')),
  'tpu.Compare': mixed(compare),
  'tpu.Where': mixed(where),
};
