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

/** Which Cast nodes survive: float → int32/int64 and int32/int64 → float (ir.md 8.1, 7a). */
export function castKind(node: OnnxNode, from: ElementType): 'INT32' | 'F32' | undefined {
  const to = elementTypeOf(intAttribute(node, 'to'));
  if (to === undefined) return undefined;
  if (isFloat(from) && isInt(to)) return 'INT32';
  return isInt(from) && isFloat(to) ? 'F32' : undefined;
}

function cast(node: OnnxNode, to: Conversion): void {
  const target = castKind(node, to.type(node.inputs[0]!).elementType);
  if (target === undefined) {
    to.skip(node);
    return;
  }
  to.finish(node, 'top.Cast', {
    inputs: [to.operand(node.inputs[0])],
    attributes: { to: target, ...(target === 'INT32' ? { roundMode: 'TowardsZero' } : {}) },
  });
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
