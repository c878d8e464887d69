import type { OpOf } from '@q/ir';
import { multiplyShift, scaledTerm } from '@q/kernels-wasm';
import type { Implementations, OpImplementation, PrepareContext, RunOp } from '../implementation.ts';
import { sameShape } from '../shapes.ts';
import type { TensorSlot } from '../slot.ts';
import { planWalk } from './broadcast.ts';
import { type Codes, codesIn, flag, lowestCode } from './codes.ts';
import { asFloat } from './float-form.ts';
import { mixed } from './mixed.ts';
import { comparisonOf } from './unary.ts';

const isByte = (slot: TensorSlot): boolean => slot.dtype === 'i8' || slot.dtype === 'u8';

/** Shifts and multipliers that the vector kernels take. */
function fitsKernel(multiplier: number, rshift: number): boolean {
  return Math.abs(multiplier) <= 127 && rshift >= 0 && rshift <= 30;
}

/** The codes of a slot as sums and products read them: without zero point in symmetric networks. */
function codesFor(context: PrepareContext, slot: TensorSlot): Codes {
  const codes = codesIn(slot);
  return context.asymmetric ? codes : { ...codes, zero: 0 };
}

/** Every code's rounded term in a sum, by code + 256 (so that negative codes index directly). */
function termsOf(zero: number, multiplier: number, rshift: number, sign: number): Int32Array {
  return Int32Array.from({ length: 512 }, (_, index) => sign * scaledTerm(index - 256, { zero, multiplier, rshift }));
}

/** y = clamp(Σ terms + zero), with broadcasting. */
function prepareSum(context: PrepareContext, terms: readonly Int32Array[], output: Codes, lo: number): RunOp {
  const { hi, zero } = output;
  return prepareFold(context, (codes) => {
    let sum = zero;
    for (let k = 0; k < terms.length; k++) sum += terms[k]![codes[k]! + 256]!;
    return Math.min(Math.max(sum, lo), hi);
  });
}

function factorsOf(op: OpOf<'tpu.Add'> | OpOf<'tpu.Sub'>, index: number): readonly [number, number] {
  return [op.attributes.multipliers?.[index] ?? 1, op.attributes.rshifts?.[index] ?? 0];
}

const add: OpImplementation<'tpu.Add'> = {
  prepare(op, context) {
    const { kernels } = context;
    const operands = context.inputs();
    const [a, b] = operands as [TensorSlot, TensorSlot];
    const y = context.output();
    const output = codesFor(context, y);
    const lo = lowestCode(output, op.attributes.doRelu);
    const factors = operands.map((_, index) => factorsOf(op, index));
    const vector =
      operands.length === 2 &&
      isByte(y) &&
      operands.every(isByte) &&
      sameShape(a.shape, b.shape) &&
      factors.every(([multiplier, rshift]) => fitsKernel(multiplier, rshift));
    if (!vector) {
      const terms = operands.map((slot, index) => termsOf(codesFor(context, slot).zero, ...factors[index]!, 1));
      return prepareSum(context, terms, output, lo);
    }
    const [first, second] = [codesFor(context, a), codesFor(context, b)];
    const [[mA, sA], [mB, sB]] = factors as [readonly [number, number], readonly [number, number]];
    return () =>
      // biome-ignore format: one argument per line hides the groups
      kernels.qs8_add(
        a.ptr, flag(first.signed), first.zero, mA, sA, b.ptr, flag(second.signed), second.zero, mB, sB,
        y.ptr, y.length, output.zero, lo, output.hi,
      );
  },
};

/** The rounded term of the second operand is subtracted: rounding a negated product would differ at ties. */
const sub: OpImplementation<'tpu.Sub'> = {
  prepare(op, context) {
    const output = codesFor(context, context.output());
    const { doRelu, isReverse } = op.attributes;
    const terms = context.inputs().map((slot, index) => {
      const sign = (index === 0) === isReverse ? -1 : 1;
      return termsOf(codesFor(context, slot).zero, ...factorsOf(op, index), sign);
    });
    return prepareSum(context, terms, output, lowestCode(output, doRelu));
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
    if (
      operands.length === 2 &&
      operands.every(isByte) &&
      isByte(y) &&
      sameShape(a.shape, b.shape) &&
      fitsKernel(multiplier, rshift)
    ) {
      const [first, second] = [codesFor(context, a), codesFor(context, b)];
      return () =>
        // biome-ignore format: one argument per line hides the groups
        kernels.qs8_mul(
          a.ptr, flag(first.signed), first.zero, b.ptr, flag(second.signed), second.zero, y.ptr, y.length,
          multiplier, rshift, output.zero, lo, output.hi,
        );
    }
    const zeros = operands.map((slot) => codesFor(context, slot).zero);
    return prepareFold(context, (values) => {
      let product = 1;
      for (let k = 0; k < values.length; k++) product *= values[k]! - zeros[k]!;
      const scaled = multiplyShift(product, multiplier, rshift, 'HalfUp') + output.zero;
      return Math.min(Math.max(scaled, lo), output.hi);
    });
  },
};

/** Runs at least this long go through a table of what the one operand that changes can be. */
const TABLE_RUN = 512;

/** y = f(codes of all operands), with broadcasting. */
function prepareFold(context: PrepareContext, f: (codes: ArrayLike<number>) => number): RunOp {
  const { kernels } = context;
  const operands = context.inputs();
  const y = context.output();
  const walk = planWalk(
    operands.map(({ shape }) => shape),
    y.shape,
  );
  const values = new Int32Array(operands.length);
  const varying = walk.steps.indexOf(1);
  const single = varying >= 0 && walk.steps.indexOf(1, varying + 1) < 0;
  const x = operands[varying];
  if (single && walk.count >= TABLE_RUN && x !== undefined && isByte(x) && isByte(y)) {
    const table = context.scratch(256);
    return () => {
      const views = operands.map((slot) => slot.view());
      const entries = new Uint8Array(context.memory.buffer, table.ptr, 256);
      walk.each((at, offsets) => {
        for (let k = 0; k < views.length; k++) values[k] = views[k]![offsets[k]!]!;
        for (let index = 0; index < 256; index++) {
          values[varying] = x.dtype === 'i8' ? (index << 24) >> 24 : index;
          entries[index] = f(values);
        }
        kernels.lut_x8(x.ptr + offsets[varying]!, table.ptr, y.ptr + at, walk.count);
      });
    };
  }
  return () => {
    const to = y.view();
    const views = operands.map((slot) => slot.view());
    walk.each((at, offsets) => {
      for (let i = 0; i < walk.count; i++) {
        for (let k = 0; k < views.length; k++) values[k] = views[k]![offsets[k]! + i * walk.steps[k]!]!;
        to[at + i] = f(values);
      }
    });
  };
}

/** Max and Min compare raw codes, whatever their scales (numerics.md 18.13). */
function extremum<T extends 'tpu.Max' | 'tpu.Min'>(choose: (a: number, b: number) => number): OpImplementation<T> {
  return {
    prepare(op, context) {
      const output = codesIn(context.output());
      const lo = lowestCode(output, (op.attributes as { doRelu: boolean }).doRelu);
      return prepareFold(context, (codes) => {
        let result = codes[0]!;
        for (let k = 1; k < codes.length; k++) result = choose(result, codes[k]!);
        return Math.min(Math.max(result, lo), output.hi);
      });
    },
  };
}

const compare: OpImplementation<'tpu.Compare'> = {
  prepare(op, context) {
    const test = comparisonOf(op, op.attributes.mode);
    return prepareFold(context, (codes) => Number(test(codes[0]!, codes[1]!)));
  },
};

/** Constants are codes already. */
const where: OpImplementation<'tpu.Where'> = {
  prepare(op, context) {
    const { xIsConst, yIsConst, xConstVal, yConstVal } = op.attributes;
    const y = context.output();
    const [cond, x, z] = [context.input(0), xIsConst ? null : context.input(1), yIsConst ? null : context.input(2)];
    const walk = planWalk([cond.shape, x?.shape ?? [1], z?.shape ?? [1]], y.shape);
    return () => {
      const to = y.view();
      const test = cond.view();
      const [yes, no] = [x?.view() ?? [xConstVal], z?.view() ?? [yConstVal]];
      const [s0, s1, s2] = walk.steps as [number, number, number];
      walk.each((at, offsets) => {
        for (let i = 0; i < walk.count; i++) {
          const chosen = test[offsets[0]! + i * s0] !== 0;
          to[at + i] = chosen ? yes[offsets[1]! + i * s1]! : no[offsets[2]! + i * s2]!;
        }
      });
    };
  },
};

export const elementwiseImplementations: Implementations = {
  'tpu.Add': mixed(add),
  'tpu.Sub': mixed(sub),
  'tpu.Mul': mixed(mul),
  'tpu.Div': asFloat(),
  'tpu.Pow3': asFloat(),
  'tpu.Max': mixed(extremum<'tpu.Max'>(Math.max)),
  'tpu.Min': mixed(extremum<'tpu.Min'>(Math.min)),
  'tpu.Compare': mixed(compare),
  'tpu.Where': mixed(where),
};
