import { elementCount, type KnownOp, type OpOf } from '@q/ir';
import { type BinaryOpName, UnaryOp } from '@q/kernels-wasm';
import type { Implementations, OpImplementation, PrepareContext } from '../implementation.ts';
import { broadcastStrides, contiguousStrides } from '../shapes.ts';
import type { Slot, TensorSlot } from '../slot.ts';
import { prepareCopy } from '../strided-copy.ts';
import { withNumber } from './arithmetic.ts';
import { broadcastSharing, prepareBinary } from './broadcast.ts';
import { refuse } from './refuse.ts';

const MODES: Readonly<Record<string, BinaryOpName>> = {
  Equal: 'equal',
  NotEqual: 'notEqual',
  Greater: 'greater',
  GreaterOrEqual: 'greaterOrEqual',
  Less: 'less',
  LessOrEqual: 'lessOrEqual',
  And: 'and',
  Xor: 'xor',
  Or: 'or',
};

function comparison(op: KnownOp, mode: string): BinaryOpName {
  return MODES[mode] ?? refuse(op, `the mode ${mode}`, Object.keys(MODES).join(', '));
}

const compare: OpImplementation<'top.Compare'> = {
  sharing: (_op, types) => broadcastSharing(types),
  prepare(op, context) {
    const [a, b] = [context.input(0), context.input(1)];
    return prepareBinary(context, {
      operation: comparison(op, op.attributes.mode),
      a: { slot: a, shape: a.shape },
      b: { slot: b, shape: b.shape },
      y: context.output(),
    });
  },
};

const withConstant = withNumber<'top.CompareConst'>((op) => ({
  operation: comparison(op, op.attributes.mode),
  value: op.attributes.constVal,
  isReverse: op.attributes.inversed,
}));

const compareConst: OpImplementation<'top.CompareConst'> = {
  sharing: () => ({ kind: 'inPlace', operands: [0] }),
  prepare(op, context) {
    if (op.attributes.mode !== 'Not') return withConstant.prepare(op, context);
    const { kernels } = context;
    const [x, y] = [context.input(0), context.output()];
    return () => kernels.f32_unary(UnaryOp.not, x.ptr, y.ptr, y.length, 0, 0);
  },
};

/** A branch of a selection: where its elements are, and whether there is one per result or a single one. */
interface Branch {
  readonly slot: Slot;
  readonly step: 0 | 1;
  /** Repeats a smaller operand to the shape of the result. */
  readonly expand?: () => void;
}

const where: OpImplementation<'top.Where'> = {
  prepare(op, context) {
    const { xIsConst, xConstVal, yIsConst, yConstVal } = op.attributes;
    return prepareSelect(context, {
      condition: context.input(0),
      whenTrue: xIsConst ? xConstVal : context.input(1),
      whenFalse: yIsConst ? yConstVal : context.input(2),
    });
  },
};

const maskedFill: OpImplementation<'top.MaskedFill'> = {
  prepare(op: OpOf<'top.MaskedFill'>, context) {
    const { inversed, constVal } = op.attributes;
    const values = context.input(1);
    return prepareSelect(context, {
      condition: context.input(0),
      whenTrue: inversed ? values : constVal,
      whenFalse: inversed ? constVal : values,
    });
  },
};

interface Selection {
  readonly condition: TensorSlot;
  readonly whenTrue: TensorSlot | number;
  readonly whenFalse: TensorSlot | number;
}

function prepareSelect(context: PrepareContext, { condition, whenTrue, whenFalse }: Selection): () => void {
  const { kernels } = context;
  const y = context.output();
  const mask = branch(context, condition, true);
  const [a, b] = [branch(context, whenTrue), branch(context, whenFalse)];
  return () => {
    mask.expand?.();
    a.expand?.();
    b.expand?.();
    kernels.f32_where(mask.slot.ptr, a.slot.ptr, a.step, b.slot.ptr, b.step, y.ptr, y.length);
  };
}

function branch(context: PrepareContext, operand: TensorSlot | number, mustBeFull = false): Branch {
  if (typeof operand === 'number') return { slot: context.place(Float32Array.of(operand)), step: 0 };
  const y = context.output();
  if (operand.length === y.length) return { slot: operand, step: 1 };
  if (operand.length === 1 && !mustBeFull) return { slot: operand, step: 0 };
  const slot = context.scratch(4 * elementCount(y.shape));
  const copy = prepareCopy(context, 'f32', {
    dims: y.shape,
    sourceStrides: broadcastStrides(operand.shape, y.shape),
    targetStrides: contiguousStrides(y.shape),
  });
  return { slot, step: 1, expand: () => copy(operand.ptr, slot.ptr) };
}

export const comparisonImplementations: Implementations = {
  'top.Compare': compare,
  'top.CompareConst': compareConst,
  'top.Where': where,
  'top.MaskedFill': maskedFill,
};
