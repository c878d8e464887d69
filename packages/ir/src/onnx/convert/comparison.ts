import { intAttribute, type OnnxNode } from '../onnx-graph.ts';
import { type ElementType, elementTypeOf } from '../tensor-data.ts';
import { type Conversion, type Converter, layerName } from './conversion.ts';

const compare: Converter = (node, to) => {
  const [left, right] = node.inputs as [string, string];
  const mode = node.opType;
  const constVal = (tensor: string) =>
    Math.max(1, to.type(tensor).shape.length) === 1 ? to.scalar(tensor) : undefined;
  const [leftConst, rightConst] = [constVal(left), constVal(right)];
  if (leftConst !== undefined) {
    to.finish(node, 'top.CompareConst', {
      inputs: [to.operand(right)],
      attributes: { mode, constVal: leftConst, inversed: true },
    });
  } else if (rightConst !== undefined) {
    to.finish(node, 'top.CompareConst', {
      inputs: [to.operand(left)],
      attributes: { mode, constVal: rightConst, inversed: false },
    });
  } else to.finish(node, 'top.Compare', { inputs: [to.operand(left), to.operand(right)], attributes: { mode } });
};

/** Or = (a + b) > 0, as TPU-MLIR spells it (ir.md 8.3). */
const or: Converter = (node, to) => {
  const sum = to.add('top.Add', {
    name: `${layerName(node)}_add`,
    inputs: node.inputs.map((input) => to.operand(input)),
  });
  to.finish(node, 'top.CompareConst', {
    name: `${layerName(node)}_compare`,
    inputs: [sum],
    attributes: { mode: 'Greater', constVal: 0, inversed: false },
  });
};

const where: Converter = (node, to) => {
  const [condition, x, y] = node.inputs as [string, string, string];
  const single = (tensor: string) => (to.type(tensor).shape.every((dim) => dim === 1) ? to.scalar(tensor) : undefined);
  const [xConst, yConst] = [single(x), single(y)];
  to.finish(node, 'top.Where', {
    inputs: [
      to.operand(condition),
      xConst === undefined ? to.operand(x) : null,
      yConst === undefined ? to.operand(y) : null,
    ],
    attributes: {
      xIsConst: xConst !== undefined,
      yIsConst: yConst !== undefined,
      xConstVal: xConst ?? 0,
      yConstVal: yConst ?? 0,
    },
  });
};

const isInt = (type: ElementType) => type === 'i32' || type === 'i64';
const isFloat = (type: ElementType) => type === 'f32' || type === 'f64' || type === 'f16' || type === 'bf16';

/** Bits and sign of the integer types that a cast can wrap to. */
const NARROW: Readonly<Partial<Record<ElementType, readonly [bits: number, isSigned: boolean]>>> = {
  i4: [4, true],
  u4: [4, false],
  i8: [8, true],
  u8: [8, false],
  i16: [16, true],
  u16: [16, false],
  u32: [32, false],
};

export type CastKind = 'INT32' | 'F32' | 'BOOL' | `${'U' | ''}INT${4 | 8 | 16}` | 'UINT32';

/** Whether every value of `from` is one of `to`. */
function holds(to: readonly [number, boolean], from: ElementType): boolean {
  const source = NARROW[from];
  if (from === 'bool') return true;
  if (source === undefined) return false;
  const [bits, isSigned] = to;
  return source[1] === isSigned ? source[0] <= bits : isSigned && source[0] < bits;
}

/**
 * Which Cast nodes make a layer: float → int32/int64 and int32/int64 → float as in TPU-MLIR (ir.md 8.1, 7a), and, beyond it,
 * casts that change values: to bool, and to an integer type that does not hold every value of the source type. Casts
 * between float types only round: they make no layer.
 */
export function castKind(node: OnnxNode, from: ElementType): CastKind | undefined {
  const to = elementTypeOf(intAttribute(node, 'to'));
  if (to === undefined) return undefined;
  if (isFloat(from) && isInt(to)) return 'INT32';
  if (isFloat(to)) return isInt(from) ? 'F32' : undefined;
  if (to === 'bool') return from === 'bool' ? undefined : 'BOOL';
  const target = NARROW[to];
  if (to === 'u64') return isFloat(from) ? 'INT32' : undefined;
  if (target === undefined || holds(target, from)) return undefined;
  return `${target[1] ? '' : 'U'}INT${target[0]}` as CastKind;
}

function cast(node: OnnxNode, to: Conversion): void {
  const target = castKind(node, to.type(node.inputs[0]!).elementType);
  const input = to.operand(node.inputs[0]);
  if (target === undefined) to.skip(node);
  else if (target === 'BOOL') {
    to.finish(node, 'top.CompareConst', {
      inputs: [input],
      attributes: { mode: 'NotEqual', constVal: 0, inversed: false },
    });
  } else {
    const roundMode = target === 'F32' ? {} : { roundMode: 'TowardsZero' };
    to.finish(node, 'top.Cast', { inputs: [input], attributes: { to: target, ...roundMode } });
  }
}

export const comparisonConverters: Readonly<Record<string, Converter>> = {
  Equal: compare,
  Greater: compare,
  GreaterOrEqual: compare,
  Less: compare,
  LessOrEqual: compare,
  And: compare,
  Xor: compare,
  Or: or,
  Not: (node, to) =>
    to.finish(node, 'top.CompareConst', {
      inputs: [to.operand(node.inputs[0])],
      attributes: { mode: 'Not', constVal: 0, inversed: false },
    }),
  Where: where,
  Cast: cast,
};
