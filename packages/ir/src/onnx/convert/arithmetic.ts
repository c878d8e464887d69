import { intAttribute, type OnnxNode } from '../onnx-graph.ts';
import type { ElementType } from '../tensor-data.ts';
import type { NewOp } from '../top-builder.ts';
import { type Conversion, type Converter, layerName } from './conversion.ts';

const isInteger = (type: ElementType) => type !== 'f32' && type !== 'f64' && type !== 'f16' && type !== 'bf16';

/** Operands of Add and Mul, a constant one moved to the right. */
function constantRight(node: OnnxNode, to: Conversion): (string | null)[] {
  const [left, right] = node.inputs as [string, string];
  const swap = to.constant(left) !== undefined && to.constant(right) === undefined;
  return (swap ? [right, left] : [left, right]).map((tensor) => to.operand(tensor));
}

/** Min and Max of any number of operands; the last of the chain carries the node's name. */
const extremum =
  (type: 'top.Min' | 'top.Max'): Converter =>
  (node, to) => {
    if (node.inputs.length === 1) return to.skip(node);
    const last = node.inputs.length - 1;
    let left = to.operand(node.inputs[0]);
    for (let index = 1; index < last; index++) {
      left = to.add(type, {
        name: `${node.outputs[0]}_${index}_${node.opType}`,
        inputs: [left, to.operand(node.inputs[index])],
      });
    }
    to.finish(node, type, { inputs: [left, to.operand(node.inputs[last])] });
  };

const sum: Converter = (node, to) => {
  if (node.inputs.length === 1) return to.skip(node);
  const last = node.inputs.length - 1;
  let left = to.operand(node.inputs[0]);
  for (let index = 1; index < last; index++) {
    left = to.add('top.Add', {
      name: `${node.outputs[0]}_${index}_Sum`,
      inputs: [left, to.operand(node.inputs[index])],
    });
  }
  to.finish(node, 'top.Add', { inputs: [left, to.operand(node.inputs[last])] });
};

const sub: Converter = (node, to) => {
  const [left, right] = node.inputs as [string, string];
  const [leftScalar, rightScalar] = [to.scalar(left), to.scalar(right)];
  if (leftScalar !== undefined && fits(to, left, right)) {
    to.finish(node, 'top.SubConst', {
      inputs: [to.operand(right)],
      attributes: { constVal: leftScalar, isReverse: true },
    });
  } else if (rightScalar !== undefined && fits(to, right, left)) {
    to.finish(node, 'top.AddConst', { inputs: [to.operand(left)], attributes: { constVal: -rightScalar } });
  } else to.finish(node, 'top.Sub', { inputs: [to.operand(left), to.operand(right)] });
};

const div: Converter = (node, to) => {
  const [left, right] = node.inputs as [string, string];
  const [leftScalar, rightScalar] = [to.scalar(left), to.scalar(right)];
  if (leftScalar !== undefined && fits(to, left, right) && !isInteger(to.type(left).elementType)) {
    to.finish(node, 'top.Reciprocal', { inputs: [to.operand(right)], attributes: { constVal: leftScalar } });
  } else if (rightScalar !== undefined && fits(to, right, left)) {
    const inputs = [to.operand(left)];
    if (isInteger(to.type(left).elementType)) {
      // Not a product with 1 / c: that misses whole quotients by a rounding error.
      truncated(node, to, 'top.DivConst', { inputs, attributes: { constVal: rightScalar } });
    } else to.finish(node, 'top.MulConst', { inputs, attributes: { constVal: 1 / rightScalar } });
  } else if (isInteger(to.type(left).elementType)) {
    truncated(node, to, 'top.Div', { inputs: [to.operand(left), to.operand(right)] });
  } else to.finish(node, 'top.Div', { inputs: [to.operand(left), to.operand(right)] });
};

/**
 * A quotient of integers, cut off by a helper layer `<out>_Div_floor` (ir.md 8.3). TPU-MLIR rounds it down; ONNX rounds
 * towards zero, which differs for negative quotients.
 */
function truncated<T extends 'top.DivConst' | 'top.Div'>(
  node: OnnxNode,
  to: Conversion,
  type: T,
  op: Omit<NewOp<T>, 'name'>,
): void {
  const quotient = to.add(type, { ...op, name: layerName(node) });
  to.finish(node, 'top.Cast', {
    name: `${layerName(node)}_floor`,
    inputs: [quotient],
    attributes: { to: 'INT32', roundMode: 'TowardsZero' },
  });
}

const pow: Converter = (node, to) => {
  const [base, exponent] = node.inputs as [string, string];
  const power = to.scalar(exponent);
  const constantBase = to.scalar(base);
  if (power === 1) to.skip(node);
  else if (power === 2) to.finish(node, 'top.Mul', { inputs: [to.operand(base), to.operand(base)] });
  else if (power !== undefined) {
    to.finish(node, 'top.Pow', { inputs: [to.operand(base)], attributes: { exponent: power } });
  } else if (constantBase !== undefined) {
    to.finish(node, 'top.Pow2', { inputs: [to.operand(exponent)], attributes: { constVal: constantBase } });
  } else to.finish(node, 'top.Pow3', { inputs: [to.operand(base), to.operand(exponent)] });
};

/**
 * `fmod`: sign of the dividend, as in C; otherwise that of the divisor, as in Python. TPU-MLIR multiplies with "is not the divisor"
 * behind it (ir.md 8.3), which changes nothing; only Python's real modulus can be the (infinite) divisor.
 */
const mod: Converter = (node, to) => {
  const inputs = node.inputs.map((input) => to.operand(input));
  const name = layerName(node);
  const type = intAttribute(node, 'fmod', 0) === 0 ? 'top.Remainder' : 'top.Mod';
  if (type === 'top.Remainder' && !isInteger(to.type(node.inputs[0]!).elementType)) {
    to.finish(node, type, { inputs });
    return;
  }
  const rest = to.add(type, { name, inputs });
  const attributes = { mode: 'NotEqual' };
  const differs = to.add('top.Compare', { name: `${name}_NotEqual`, inputs: [rest, inputs[1]!], attributes });
  to.finish(node, 'top.Mul', { name: `${name}_Mul`, inputs: [differs, rest] });
};

/** A uniform constant may stand as a number only where it does not broadcast the other operand to a bigger shape. */
function fits(to: Conversion, constant: string, other: string): boolean {
  const [small, big] = [to.type(constant).shape, to.type(other).shape];
  if (small.length > Math.max(1, big.length)) return false;
  return small.every((dim, axis) => dim === 1 || dim === big[axis - small.length + big.length]);
}

export const arithmeticConverters: Readonly<Record<string, Converter>> = {
  Add: (node, to) => to.finish(node, 'top.Add', { inputs: constantRight(node, to) }),
  Mul: (node, to) => to.finish(node, 'top.Mul', { inputs: constantRight(node, to) }),
  Sub: sub,
  Div: div,
  Pow: pow,
  Mod: mod,
  Sum: sum,
  Min: extremum('top.Min'),
  Max: extremum('top.Max'),
  Neg: (node, to) =>
    to.finish(node, 'top.MulConst', { inputs: [to.operand(node.inputs[0])], attributes: { constVal: -1 } }),
  Reciprocal: (node, to) => to.finish(node, 'top.Reciprocal', { inputs: [to.operand(node.inputs[0])] }),
};
