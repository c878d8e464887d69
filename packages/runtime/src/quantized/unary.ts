import type { OpOf, OpType } from '@q/ir';
import { multiplyShift } from '@q/kernels-wasm';
import { refuse } from '../float/refuse.ts';
import type { Implementations, OperandTypes, OpImplementation, Sharing } from '../implementation.ts';
import { aroundAxis } from '../shapes.ts';
import { codeBytes, mapCodes } from './code-table.ts';
import { type Codes, codesIn, holdsCodes, lowestCode } from './codes.ts';
import { asFloat } from './float-form.ts';
import { mixed } from './mixed.ts';

/** Bytes may be replaced where they are. */
const inPlaceBytes = (_op: unknown, { inputs, outputs }: OperandTypes): Sharing =>
  inputs[0]?.dtype === outputs[0]?.dtype ? { kind: 'inPlace', operands: [0] } : { kind: 'fresh' };

/** The integer form of an operator whose result code depends on one operand's code only. */
function ofCode<T extends OpType>(
  make: (op: OpOf<T>, input: Codes, output: Codes) => (code: number) => number,
): OpImplementation<T> {
  return {
    sharing: inPlaceBytes,
    prepare(op, context) {
      const output = codesIn(context.output());
      return mapCodes(context, make(op, codesIn(context.input(0)), output));
    },
  };
}

const clamp = (value: number, lo: number, hi: number): number => Math.min(Math.max(value, lo), hi);

const mulShift = ofCode<'tpu.MulShift'>(
  ({ attributes: { multiplier, rshift } }, input, output) =>
    (code) =>
      clamp(multiplyShift(code - input.zero, multiplier, rshift, 'HalfUp') + output.zero, output.lo, output.hi),
);

const relu = ofCode<'tpu.Relu'>((_op, _input, output) => (code) => clamp(Math.max(code, 0), output.lo, output.hi));

/** Input and result share their scale. */
const leakyRelu = ofCode<'tpu.LeakyRelu'>(({ attributes }, _input, output) => {
  const { multiplier = 1, rshift = 0 } = attributes;
  return (code) => clamp(code >= 0 ? code : multiplyShift(code, multiplier, rshift, 'HalfUp'), output.lo, output.hi);
});

/** rsr(x·M + C): the constant was shifted up when it was lowered. */
const addConst = ofCode<'tpu.AddConst'>(({ attributes }, _input, output) => {
  const { multiplier, rshift, constVal, doRelu } = attributes;
  return (code) =>
    clamp(multiplyShift(code * multiplier + constVal, 1, rshift, 'HalfUp'), lowestCode(output, doRelu), output.hi);
});

const subConst = ofCode<'tpu.SubConst'>(({ attributes }, _input, output) => {
  const { multiplier, rshift, constVal, doRelu, isReverse } = attributes;
  return (code) => {
    const difference = isReverse ? constVal - code * multiplier : code * multiplier - constVal;
    return clamp(multiplyShift(difference, 1, rshift, 'HalfUp'), lowestCode(output, doRelu), output.hi);
  };
});

/** The constant is a code of the result before the shift. */
const extremumConst = <T extends 'tpu.MaxConst' | 'tpu.MinConst'>(choose: (a: number, b: number) => number) =>
  ofCode<T>((op, _input, output) => {
    const { multiplier, rshift, constVal, doRelu } = op.attributes as OpOf<'tpu.MaxConst'>['attributes'];
    return (code) => {
      const chosen = choose(code * multiplier, constVal);
      return clamp(multiplyShift(chosen, 1, rshift, 'HalfUp'), lowestCode(output, doRelu), output.hi);
    };
  });

/** The constant is in the multiplier (bm1684). */
const mulConst = ofCode<'tpu.MulConst'>(({ attributes }, _input, output) => {
  const { multiplier, rshift, doRelu } = attributes;
  return (code) => clamp(multiplyShift(code, multiplier, rshift, 'HalfUp'), lowestCode(output, doRelu), output.hi);
});

const COMPARE: Readonly<Record<string, (a: number, b: number) => boolean>> = {
  Equal: (a, b) => a === b,
  NotEqual: (a, b) => a !== b,
  Greater: (a, b) => a > b,
  GreaterOrEqual: (a, b) => a >= b,
  Less: (a, b) => a < b,
  LessOrEqual: (a, b) => a <= b,
  Not: (a) => a === 0,
  Xor: (a, b) => (a !== 0) !== (b !== 0),
};

/** The comparison of two codes that a mode means. */
function comparisonOf(
  op: { readonly type: string; readonly name: string },
  mode: string,
): (a: number, b: number) => boolean {
  return COMPARE[mode] ?? refuse(op, `the mode ${mode}`, Object.keys(COMPARE).join(', '));
}

const compareConst = ofCode<'tpu.CompareConst'>((op) => {
  const { constVal, inversed, mode } = op.attributes;
  const compare = comparisonOf(op, mode);
  return (code) => Number(inversed ? compare(constVal, code) : compare(code, constVal));
});

/** One table per channel. */
const prelu: OpImplementation<'tpu.PReluOp'> = {
  sharing: inPlaceBytes,
  prepare(op, context) {
    const { kernels } = context;
    const [x, y] = [context.input(0), context.output()];
    const slopes = context.constant(1);
    if (slopes === undefined) return refuse(op, 'computed slopes', 'a weight');
    const { outer, axis, inner } = aroundAxis(x.shape, 1);
    if (slopes.data.length !== 1 && slopes.data.length !== axis)
      refuse(op, `${slopes.data.length} slopes`, `1 or ${axis}`);
    const { lo, hi, signed } = codesIn(x);
    const bytes = Array.from(slopes.data as ArrayLike<number>, (slope) =>
      codeBytes(signed, (code) =>
        clamp(code >= 0 ? code : multiplyShift(code, slope, op.attributes.rshift, 'HalfUp'), lo, hi),
      ),
    );
    const tables = context.place(joined(bytes));
    const shared = slopes.data.length === 1;
    return () => {
      for (let plane = 0; plane < outer * axis; plane++) {
        const table = tables.ptr + 256 * (shared ? 0 : plane % axis);
        kernels.lut_x8(x.ptr + plane * inner, table, y.ptr + plane * inner, inner);
      }
    };
  },
};

function joined(tables: readonly Uint8Array[]): Uint8Array {
  const all = new Uint8Array(tables.length * 256);
  tables.forEach((table, index) => {
    all.set(table, index * 256);
  });
  return all;
}

/** The table holds codes, or floats where the result is float. */
const lut: OpImplementation<'tpu.Lut'> = {
  prepare(op, context) {
    const { kernels } = context;
    const [x, table, y] = [context.input(0), context.input(1), context.output()];
    if (x.dtype !== 'i8' && x.dtype !== 'u8') refuse(op, `an operand of ${x.dtype}`, 'i8 or u8');
    if (!holdsCodes(y.type.dtype)) return () => kernels.lut_x8_x32(x.ptr, table.ptr, y.ptr, y.length);
    // bm1684 keeps the codes in 32 bits each.
    const entries = table.dtype === 'i32' ? context.derive(1, 'bytes', ({ data }) => Uint8Array.from(data)) : table;
    return () => kernels.lut_x8(x.ptr, entries.ptr, y.ptr, y.length);
  },
};

export const unaryImplementations: Implementations = {
  'tpu.MulShift': mulShift,
  'tpu.Relu': mixed(relu),
  'tpu.LeakyRelu': mixed(leakyRelu),
  'tpu.PReluOp': mixed(prelu),
  'tpu.AddConst': mixed(addConst),
  'tpu.SubConst': mixed(subConst),
  'tpu.MulConst': mixed(mulConst),
  'tpu.MaxConst': mixed(extremumConst<'tpu.MaxConst'>(Math.max)),
  'tpu.MinConst': mixed(extremumConst<'tpu.MinConst'>(Math.min)),
  'tpu.CompareConst': mixed(compareConst),
  'tpu.Lut': lut,
  'tpu.Clip': asFloat(),
  'tpu.Reciprocal': asFloat(),
  'tpu.Pow': asFloat(),
  'tpu.Pow2': asFloat(),
};
