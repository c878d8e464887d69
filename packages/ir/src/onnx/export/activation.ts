import type { KnownOp, OpOf } from '../../graph.ts';
import type { Emitter, Emitters, OnnxWriter } from './onnx-writer.ts';
import { float } from './tensor-wire.ts';

/** One node with the operands of the op. */
export const plain =
  (opType: string): Emitter<KnownOp> =>
  (op, to) => {
    const inputs = op.inputs.map((name) => to.tensor(name));
    to.node(opType, inputs, {}, to.output(op));
  };

function sigmoidTimes(op: KnownOp, to: OnnxWriter, factor: number): void {
  const x = to.tensor(op.inputs[0]);
  const scaled = factor === 1 ? x : to.node('Mul', [x, to.scalar(factor)]);
  to.node('Mul', [x, to.node('Sigmoid', [scaled])], {}, to.output(op));
}

/** 0.5 · x · (1 + erf(x / √2)), in the order that importers recognise. */
function gelu(op: OpOf<'top.GELU'>, to: OnnxWriter): void {
  const x = to.tensor(op.inputs[0]);
  const isTanh = op.attributes.approximate === 'tanh';
  if (to.opset >= 20) {
    to.node('Gelu', [x], isTanh ? { approximate: 'tanh' } : {}, to.output(op));
    return;
  }
  if (isTanh) {
    const cube = to.node('Mul', [to.node('Mul', [to.node('Mul', [x, x]), x]), to.scalar(0.044715)]);
    const bent = to.node('Tanh', [to.node('Mul', [to.node('Add', [x, cube]), to.scalar(Math.sqrt(2 / Math.PI))])]);
    const half = to.node('Mul', [x, to.scalar(0.5)]);
    to.node('Mul', [half, to.node('Add', [bent, to.scalar(1)])], {}, to.output(op));
    return;
  }
  const erf = to.node('Erf', [to.node('Div', [x, to.scalar(Math.SQRT2)])]);
  const product = to.node('Mul', [x, to.node('Add', [erf, to.scalar(1)])]);
  to.node('Mul', [product, to.scalar(0.5)], {}, to.output(op));
}

export const activationEmitters: Emitters = {
  'top.Relu': (op, to) => to.relu(to.tensor(op.inputs[0]), op.attributes.reluLimit, to.output(op)),
  'top.LeakyRelu': (op, to) =>
    to.node('LeakyRelu', [to.tensor(op.inputs[0])], { alpha: float(op.attributes.alpha) }, to.output(op)),
  'top.Elu': (op, to) =>
    to.node('Elu', [to.tensor(op.inputs[0])], { alpha: float(op.attributes.alpha) }, to.output(op)),
  'top.PRelu'(op, to) {
    // ONNX broadcasts the slope from the right; Top's is one per channel.
    const [x, slope] = [op.inputs[0]!, op.inputs[1]!];
    const [shape, count] = [to.shape(x), to.count(slope)];
    const channels = [count, ...shape.slice(2).map(() => 1)];
    const dims = count === shape[1] ? channels : to.shape(slope);
    const weight = to.weight(slope);
    const operand = weight === undefined ? to.reshape(to.tensor(slope), dims) : to.reshapedWeight(slope, weight, dims);
    to.node('PRelu', [to.tensor(x), operand], {}, to.output(op));
  },
  'top.Sigmoid'(op, to) {
    const x = to.tensor(op.inputs[0]);
    if (!op.attributes.log) to.node('Sigmoid', [x], {}, to.output(op));
    // log σ(x) = −softplus(−x), which does not underflow.
    else to.node('Neg', [to.node('Softplus', [to.node('Neg', [x])])], {}, to.output(op));
  },
  'top.SiLU': (op, to) => sigmoidTimes(op, to, 1),
  'top.Swish': (op, to) => sigmoidTimes(op, to, op.attributes.beta),
  'top.Mish'(op, to) {
    const x = to.tensor(op.inputs[0]);
    to.node('Mul', [x, to.node('Tanh', [to.node('Softplus', [x])])], {}, to.output(op));
  },
  'top.HardSwish'(op, to) {
    const x = to.tensor(op.inputs[0]);
    if (to.opset >= 14) to.node('HardSwish', [x], {}, to.output(op));
    else {
      const gate = to.node('HardSigmoid', [x], { alpha: float(1 / 6), beta: float(0.5) });
      to.node('Mul', [x, gate], {}, to.output(op));
    }
  },
  'top.HardSigmoid'(op, to) {
    const { alpha, beta } = op.attributes;
    to.node('HardSigmoid', [to.tensor(op.inputs[0])], { alpha: float(alpha), beta: float(beta) }, to.output(op));
  },
  'top.GELU': gelu,
  'top.Softplus': plain('Softplus'),
  'top.Softsign': plain('Softsign'),
  'top.Tanh': plain('Tanh'),
  'top.Erf': plain('Erf'),
  'top.Exp': plain('Exp'),
  'top.Log': plain('Log'),
  'top.Sqrt': plain('Sqrt'),
  'top.Rsqrt': (op, to) => to.node('Reciprocal', [to.node('Sqrt', [to.tensor(op.inputs[0])])], {}, to.output(op)),
  'top.Abs': plain('Abs'),
  'top.Sign': plain('Sign'),
  'top.Ceil': plain('Ceil'),
  'top.Round': plain('Round'),
  'top.Floor': plain('Floor'),
  'top.Sin': plain('Sin'),
  'top.Cos': plain('Cos'),
  'top.Tan': plain('Tan'),
  'top.Sinh': plain('Sinh'),
  'top.Cosh': plain('Cosh'),
  'top.Arccos': plain('Acos'),
  'top.Arctanh': plain('Atanh'),
  'top.Clip'(op, to) {
    const { min, max } = op.attributes;
    const bound = (value: number) => (Number.isFinite(value) ? to.scalar(value) : '');
    to.node('Clip', [to.tensor(op.inputs[0]), bound(min), bound(max)], {}, to.output(op));
  },
  'top.LogB'(op, to) {
    const factor = to.scalar(1 / Math.log(op.attributes.base));
    to.node('Mul', [to.node('Log', [to.tensor(op.inputs[0])]), factor], {}, to.output(op));
  },
  'top.Softmax'(op, to) {
    const { axis, log, beta } = op.attributes;
    const x = to.tensor(op.inputs[0]);
    const scaled = beta === 1 ? x : to.node('Mul', [x, to.scalar(beta)]);
    to.node(log ? 'LogSoftmax' : 'Softmax', [scaled], { axis }, to.output(op));
  },
};
