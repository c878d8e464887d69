import { elementCount, type OpOf, type OpType } from '@q/ir';
import type { BinaryOpName } from '@q/kernels-wasm';
import type { Implementations, OpImplementation, PrepareContext } from '../implementation.ts';
import { inOrder } from '../in-order.ts';
import { broadcastPair } from '../shapes.ts';
import { type BroadcastOperand, broadcastSharing, prepareBinary, scalarOperand } from './broadcast.ts';
import { refuse } from './refuse.ts';
import { type Bounds, reluBounds, UNBOUNDED } from './relu-bounds.ts';

/** How an operator over two or more operands is folded from the left. */
interface Fold {
  readonly operation: BinaryOpName;
  readonly bounds: Bounds;
  /** Factor of each operand; then the operation is a sum. */
  readonly coefficients?: readonly number[];
  /** b op a instead of a op b (two operands). */
  readonly isReverse?: boolean;
}

function fold<T extends OpType>(choose: (op: OpOf<T>) => Fold): OpImplementation<T> {
  return {
    sharing: (_op, types) => broadcastSharing(types),
    prepare(op, context) {
      if (context.inputs().length < 2) refuse(op, 'fewer than two operands', 'two or more');
      return prepareFold(context, choose(op));
    },
  };
}

function prepareFold(context: PrepareContext, { operation, bounds, coefficients, isReverse }: Fold): () => void {
  const y = context.output();
  const operands: BroadcastOperand[] = context.inputs().map((slot) => ({ slot, shape: slot.shape }));
  if (isReverse === true) operands.reverse();
  const calls: (() => void)[] = [];
  let left = operands[0]!;
  operands.slice(1).forEach((right, index) => {
    const isLast = index === operands.length - 2;
    const shape = broadcastPair(left.shape, right.shape);
    const fitsResult = elementCount(shape) === y.length;
    const slot = isLast || fitsResult ? y : context.scratch(4 * elementCount(shape));
    calls.push(
      prepareBinary(context, {
        operation: coefficients === undefined ? operation : 'addScaled',
        a: left,
        b: right,
        y: slot,
        ca: index === 0 ? (coefficients?.[0] ?? 1) : 1,
        cb: coefficients?.[index + 1] ?? 1,
        bounds: isLast ? bounds : UNBOUNDED,
      }),
    );
    left = { slot, shape };
  });
  return inOrder(calls);
}

/** Factors of a weighted sum, or undefined when all are 1; `sign` is that of the operands after the first. */
function weights(coeff: readonly number[] | undefined, sign: 1 | -1): readonly number[] | undefined {
  if (coeff === undefined || coeff.every((factor) => factor === 1)) return undefined;
  return coeff.map((factor, index) => (index === 0 ? factor : sign * factor));
}

/** An operator with one operand and one number. */
interface WithNumber {
  readonly operation: BinaryOpName;
  readonly value: number;
  readonly bounds?: Bounds;
  /** value op x instead of x op value. */
  readonly isReverse?: boolean;
}

export function withNumber<T extends OpType>(choose: (op: OpOf<T>) => WithNumber): OpImplementation<T> {
  return {
    sharing: () => ({ kind: 'inPlace', operands: [0] }),
    prepare(op, context) {
      const { operation, value, bounds = UNBOUNDED, isReverse = false } = choose(op);
      const x = context.input(0);
      const operand = { slot: x, shape: [x.length] };
      const number = scalarOperand(context, value);
      const [a, b] = isReverse ? [number, operand] : [operand, number];
      return prepareBinary(context, { operation, a, b, y: context.output(), bounds });
    },
  };
}

export const arithmeticImplementations: Implementations = {
  'top.Add': fold<'top.Add'>(({ attributes }) => {
    const coefficients = weights(attributes.coeff, 1);
    return { operation: 'add', bounds: reluBounds(attributes), ...(coefficients && { coefficients }) };
  }),
  'top.Sub': fold<'top.Sub'>((op) => {
    const { attributes } = op;
    const coefficients = weights(attributes.coeff, -1);
    if (coefficients !== undefined && attributes.isReverse) refuse(op, 'coeff with is_reverse', 'one of the two');
    const { isReverse } = attributes;
    return { operation: 'sub', bounds: reluBounds(attributes), isReverse, ...(coefficients && { coefficients }) };
  }),
  'top.Mul': fold<'top.Mul'>(({ attributes }) => ({ operation: 'mul', bounds: reluBounds(attributes) })),
  'top.Div': fold<'top.Div'>(({ attributes }) => ({
    operation: 'div',
    bounds: reluBounds(attributes),
    isReverse: attributes.isReverse,
  })),
  'top.Min': fold<'top.Min'>(() => ({ operation: 'min', bounds: UNBOUNDED })),
  'top.Max': fold<'top.Max'>(() => ({ operation: 'max', bounds: UNBOUNDED })),
  'top.Mod': fold<'top.Mod'>(() => ({ operation: 'fmod', bounds: UNBOUNDED })),
  'top.Remainder': fold<'top.Remainder'>(() => ({ operation: 'floorMod', bounds: UNBOUNDED })),
  'top.Pow3': fold<'top.Pow3'>(() => ({ operation: 'pow', bounds: UNBOUNDED })),
  'top.AddConst': withNumber<'top.AddConst'>(({ attributes }) => ({
    operation: 'add',
    value: attributes.constVal,
    bounds: reluBounds(attributes),
  })),
  'top.SubConst': withNumber<'top.SubConst'>(({ attributes }) => ({
    operation: 'sub',
    value: attributes.constVal,
    bounds: reluBounds(attributes),
    isReverse: attributes.isReverse,
  })),
  'top.MulConst': withNumber<'top.MulConst'>(({ attributes }) => ({
    operation: 'mul',
    value: attributes.constVal,
    bounds: reluBounds(attributes),
  })),
  'top.DivConst': withNumber<'top.DivConst'>(({ attributes }) => ({
    operation: 'div',
    value: attributes.constVal,
    bounds: reluBounds(attributes),
    isReverse: attributes.isReverse,
  })),
  'top.MaxConst': withNumber<'top.MaxConst'>(({ attributes }) => ({ operation: 'max', value: attributes.constVal })),
  'top.MinConst': withNumber<'top.MinConst'>(({ attributes }) => ({ operation: 'min', value: attributes.constVal })),
  'top.Reciprocal': withNumber<'top.Reciprocal'>(({ attributes }) => ({
    operation: 'div',
    value: attributes.constVal,
    bounds: reluBounds(attributes),
    isReverse: true,
  })),
};
