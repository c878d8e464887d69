import { elementCount } from '../../dtype.ts';
import type { OpType } from '../../operators/index.ts';
import { floatAttribute, intAttribute, stringAttribute } from '../onnx-graph.ts';
import { type Converter, layerName, unsupported } from './conversion.ts';

/** Operators without attributes whose Top form has the same meaning. */
const simple =
  (type: OpType): Converter =>
  (node, to) =>
    to.finish(node, type, { inputs: [to.operand(node.inputs[0])] });

const softmax =
  (log: boolean): Converter =>
  (node, to) => {
    const { shape } = to.type(node.inputs[0]!);
    const axis = intAttribute(node, 'axis', to.opset >= 13 ? -1 : 1);
    const front = axis < 0 ? axis + shape.length : axis;
    const input = to.operand(node.inputs[0]);
    if (to.opset >= 13 || shape.slice(front + 1).every((dim) => dim === 1)) {
      to.finish(node, 'top.Softmax', { inputs: [input], attributes: { axis, log } });
      return;
    }
    // Before opset 13 everything from the axis on is normalised together: as one dimension, then reshaped back.
    const name = layerName(node);
    const flat = [elementCount(shape.slice(0, front)), elementCount(shape.slice(front))];
    const rows = to.add('top.Reshape', { name: `${name}_flat`, inputs: [input, null], attributes: { shape: flat } });
    const normalised = to.add('top.Softmax', { name: `${name}_rows`, inputs: [rows], attributes: { axis: 1, log } });
    to.finish(node, 'top.Reshape', { inputs: [normalised, null], attributes: { shape } });
  };

const gelu: Converter = (node, to) => {
  const isTanh = stringAttribute(node, 'approximate', 'none') === 'tanh';
  const attributes = isTanh ? { approximate: 'tanh' } : {};
  to.finish(node, 'top.GELU', { inputs: [to.operand(node.inputs[0])], attributes });
};

export const activationConverters: Readonly<Record<string, Converter>> = {
  Relu: simple('top.Relu'),
  Tanh: simple('top.Tanh'),
  Sigmoid: simple('top.Sigmoid'),
  Erf: simple('top.Erf'),
  Exp: simple('top.Exp'),
  Log: simple('top.Log'),
  Sqrt: simple('top.Sqrt'),
  Abs: simple('top.Abs'),
  Sign: simple('top.Sign'),
  Softplus: simple('top.Softplus'),
  Sin: simple('top.Sin'),
  Cos: simple('top.Cos'),
  Floor: simple('top.Floor'),
  // TPU-MLIR's importer has no converter for these; its Top dialect has the operators.
  Mish: simple('top.Mish'),
  Softsign: simple('top.Softsign'),
  Tan: simple('top.Tan'),
  Sinh: simple('top.Sinh'),
  Cosh: simple('top.Cosh'),
  Asin: simple('top.Arcsin'),
  Atan: simple('top.Arctan'),
  Asinh: simple('top.Arcsinh'),
  Acosh: simple('top.Arccosh'),
  Det: simple('top.Det'),
  Gelu: gelu,
  Swish(node, to) {
    const attributes = { beta: floatAttribute(node, 'alpha', 1) };
    to.finish(node, 'top.Swish', { inputs: [to.operand(node.inputs[0])], attributes });
  },
  Round: simple('top.Round'),
  Acos: simple('top.Arccos'),
  Atanh: simple('top.Arctanh'),
  HardSwish: simple('top.HardSwish'),
  GELU: gelu,
  /** The one layer without suffix (ir.md 8.3). */
  Ceil(node, to) {
    to.finish(node, 'top.Ceil', { name: node.outputs[0]!, inputs: [to.operand(node.inputs[0])] });
  },
  LeakyRelu(node, to) {
    to.finish(node, 'top.LeakyRelu', {
      inputs: [to.operand(node.inputs[0])],
      attributes: { alpha: floatAttribute(node, 'alpha', Math.fround(0.01)) },
    });
  },
  Elu(node, to) {
    to.finish(node, 'top.Elu', {
      inputs: [to.operand(node.inputs[0])],
      attributes: { alpha: floatAttribute(node, 'alpha', 1) },
    });
  },
  PRelu(node, to) {
    const alpha = to.scalar(node.inputs[1]);
    const input = to.operand(node.inputs[0]);
    if (alpha !== undefined) to.finish(node, 'top.LeakyRelu', { inputs: [input], attributes: { alpha } });
    else to.finish(node, 'top.PRelu', { inputs: [input, to.operand(node.inputs[1])] });
  },
  HardSigmoid(node, to) {
    to.finish(node, 'top.HardSigmoid', {
      inputs: [to.operand(node.inputs[0])],
      attributes: { alpha: floatAttribute(node, 'alpha', Math.fround(0.2)), beta: floatAttribute(node, 'beta', 0.5) },
    });
  },
  Clip(node, to) {
    const bound = (index: number, name: string, fallback: number) => {
      if (node.inputs[index] && to.constant(node.inputs[index]) === undefined) {
        throw unsupported(node, `a computed ${name}`, 'constant bounds');
      }
      return to.scalar(node.inputs[index]) ?? floatAttribute(node, name, fallback);
    };
    const [min, max] = [bound(1, 'min', -Infinity), bound(2, 'max', Infinity)];
    const input = to.operand(node.inputs[0]);
    if (min === 0 && max > min) {
      to.finish(node, 'top.Relu', { inputs: [input], attributes: { reluLimit: max === Infinity ? 0 : max } });
    } else to.finish(node, 'top.Clip', { inputs: [input], attributes: { min, max } });
  },
  Softmax: softmax(false),
  LogSoftmax: softmax(true),
};
