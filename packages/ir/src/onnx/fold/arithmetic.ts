import { elementCount } from '../../dtype.ts';
import { broadcastShapes } from '../../operators/shape-rules.ts';
import { intAttribute } from '../onnx-graph.ts';
import { type Constant, type ElementType, elementTypeOf } from '../tensor-data.ts';
import { allocateElements, broadcastStrides, gatherStrided, isInt64, writeElement } from './constant-array.ts';
import type { Evaluator } from './evaluate.ts';

type Binary = { readonly real: (a: number, b: number) => number; readonly exact: (a: bigint, b: bigint) => bigint };

const isFloat = (type: ElementType) => type === 'f32' || type === 'f64' || type === 'f16' || type === 'bf16';

/** Both operands broadcast to the result shape. */
function spread(a: Constant, b: Constant): [Constant, Constant, readonly number[]] {
  const shape = broadcastShapes([a.shape, b.shape, []]);
  const wide = (x: Constant) => gatherStrided(x, shape, broadcastStrides(x.shape, shape));
  return [wide(a), wide(b), shape];
}

/** Integer division and modulus of C: towards zero. */
function binary({ real, exact }: Binary): Evaluator {
  return ([left, right]) => {
    const [a, b, shape] = spread(left!, right!);
    const type = left!.elementType;
    const data = allocateElements(type, elementCount(shape));
    for (let index = 0; index < data.length; index++) {
      const [x, y] = [a.data[index]!, b.data[index]!];
      const value = isInt64(type) ? exact(BigInt(x), BigInt(y)) : real(Number(x), Number(y));
      writeElement(data, type, index, isFloat(type) || typeof value === 'bigint' ? value : Math.trunc(value));
    }
    return [{ shape, elementType: type, data }];
  };
}

function comparison(holds: (a: number | bigint, b: number | bigint) => boolean): Evaluator {
  return ([left, right]) => {
    const [a, b, shape] = spread(left!, right!);
    const data = Uint8Array.from(a.data as ArrayLike<number | bigint>, (x, index) =>
      holds(x, b.data[index]!) ? 1 : 0,
    );
    return [{ shape, elementType: 'bool', data }];
  };
}

function unary(real: (x: number) => number, exact?: (x: bigint) => bigint): Evaluator {
  return ([input]) => {
    const { shape, elementType } = input!;
    const data = allocateElements(elementType, input!.data.length);
    for (let index = 0; index < data.length; index++) {
      const x = input!.data[index]!;
      writeElement(data, elementType, index, typeof x === 'bigint' && exact !== undefined ? exact(x) : real(Number(x)));
    }
    return [{ shape, elementType, data }];
  };
}

/** Ties go to the even neighbour, as ONNX's Round says. */
function roundHalfEven(x: number): number {
  const floor = Math.floor(x);
  const rest = x - floor;
  if (rest !== 0.5) return Math.round(x);
  const even = floor % 2 === 0 ? floor : floor + 1;
  // Zero keeps the sign of what was rounded.
  return even === 0 ? x * 0 : even;
}

/** Modulus with the divisor's sign, or C's with `fmod`. */
function modulus(a: number, b: number, fmod: boolean): number {
  const rest = a % b;
  return !fmod && rest !== 0 && rest < 0 !== b < 0 ? rest + b : rest;
}

/** Variadic Min, Max and Sum as a chain of the binary one. */
function chain(step: Evaluator): Evaluator {
  return (inputs, node, context) =>
    inputs
      .slice(1)
      .reduce<Constant[] | undefined>(
        (left, right) => (left === undefined ? undefined : step([left[0], right], node, context)),
        [inputs[0]!],
      );
}

function cast(input: Constant, to: ElementType): Constant {
  const data = allocateElements(to, input.data.length);
  for (let index = 0; index < data.length; index++) {
    const x = input.data[index]!;
    const value =
      to === 'bool' ? (Number(x) !== 0 ? 1 : 0) : isFloat(to) ? Number(x) : typeof x === 'bigint' ? x : Math.trunc(x);
    writeElement(data, to, index, value);
  }
  return { shape: input.shape, elementType: to, data };
}

const add = binary({ real: (a, b) => a + b, exact: (a, b) => a + b });
// Math.min and Math.max do not take bigint.
function smaller(a: bigint, b: bigint): bigint {
  return a - b < 0n ? a : b;
}
function larger(a: bigint, b: bigint): bigint {
  return a - b < 0n ? b : a;
}
const minimum = binary({ real: Math.min, exact: smaller });
const maximum = binary({ real: Math.max, exact: larger });

/** Constant evaluation of element-wise operators: int64 exactly, floats rounded to their type after every operation. */
export const arithmeticEvaluators: Readonly<Record<string, Evaluator>> = {
  Add: add,
  Sub: binary({ real: (a, b) => a - b, exact: (a, b) => a - b }),
  Mul: binary({ real: (a, b) => a * b, exact: (a, b) => a * b }),
  Div: binary({ real: (a, b) => a / b, exact: (a, b) => (b === 0n ? 0n : a / b) }),
  Pow: binary({ real: (a, b) => a ** b, exact: (a, b) => (b < 0n ? 0n : a ** b) }),
  Mod: (inputs, node, context) => {
    const fmod = intAttribute(node, 'fmod', 0) !== 0;
    const exact = (a: bigint, b: bigint) => (!fmod && a % b !== 0n && a < 0n !== b < 0n ? (a % b) + b : a % b);
    return binary({ real: (a, b) => modulus(a, b, fmod), exact })(inputs, node, context);
  },
  Min: chain(minimum),
  Max: chain(maximum),
  Sum: chain(add),
  Neg: unary(
    (x) => -x,
    (x) => -x,
  ),
  Abs: unary(Math.abs, (x) => (x < 0n ? -x : x)),
  Sqrt: unary(Math.sqrt),
  Exp: unary(Math.exp),
  Log: unary(Math.log),
  Reciprocal: unary((x) => 1 / x),
  Floor: unary(Math.floor, (x) => x),
  Ceil: unary(Math.ceil, (x) => x),
  Round: unary(roundHalfEven, (x) => x),
  Sign: unary(Math.sign, (x) => (x > 0n ? 1n : x < 0n ? -1n : 0n)),
  Sin: unary(Math.sin),
  Cos: unary(Math.cos),
  Relu: unary(
    (x) => Math.max(x, 0),
    (x) => (x > 0n ? x : 0n),
  ),
  Sigmoid: unary((x) => 1 / (1 + Math.exp(-x))),
  Tanh: unary(Math.tanh),
  Equal: comparison((a, b) => a === b),
  Greater: comparison((a, b) => a > b),
  GreaterOrEqual: comparison((a, b) => a >= b),
  Less: comparison((a, b) => a < b),
  LessOrEqual: comparison((a, b) => a <= b),
  And: comparison((a, b) => a !== 0 && b !== 0),
  Or: comparison((a, b) => a !== 0 || b !== 0),
  Xor: comparison((a, b) => (a !== 0) !== (b !== 0)),
  Not: ([x]) => [{ ...x!, data: Uint8Array.from(x!.data as Uint8Array, (value) => (value === 0 ? 1 : 0)) }],
  Where([condition, x, y]) {
    const shape = broadcastShapes([condition!.shape, x!.shape, y!.shape, []]);
    const [c, a, b] = [condition!, x!, y!].map((value) =>
      gatherStrided(value, shape, broadcastStrides(value.shape, shape)),
    );
    const data = allocateElements(x!.elementType, c!.data.length);
    for (let index = 0; index < data.length; index++) data[index] = (c!.data[index] !== 0 ? a : b)!.data[index]!;
    return [{ shape, elementType: x!.elementType, data }];
  },
  Cast([x], node) {
    const to = elementTypeOf(intAttribute(node, 'to'));
    return to === undefined || to === 'string' ? undefined : [cast(x!, to)];
  },
};
