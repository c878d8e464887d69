import type { Graph, KnownOp, Op, OpOf } from '@q/ir';
import { fullRankSlice } from '@q/ir';
import { erf, exp, sigmoid, tanh } from '@q/kernels-wasm/scalar';
import { convolution } from './convolution.ts';
import { deconvolution } from './deconvolution.ts';
import { binary, unary } from './elementwise.ts';
import { concatenated, moved, permuted, reshaped } from './layout.ts';
import { matrixProduct } from './matrix-product.ts';
import { layerNormalization, softmax } from './normalization.ts';
import { averagePool, maxPool } from './pooling.ts';
import { resized, upsampled } from './resize.ts';
import type { Node, Tape } from './tape.ts';

/** Operator types that gradients flow through; blocks with others are not tuned. */
const DIFFERENTIABLE = new Set<string>([
  'top.Conv',
  'top.Deconv',
  'top.MatMul',
  'top.Add',
  'top.Sub',
  'top.Mul',
  'top.AddConst',
  'top.MulConst',
  'top.SubConst',
  'top.Relu',
  'top.Clip',
  'top.LeakyRelu',
  'top.Sigmoid',
  'top.HardSigmoid',
  'top.HardSwish',
  'top.GELU',
  'top.Tanh',
  'top.Sqrt',
  'top.Reciprocal',
  'top.Softmax',
  'top.LayerNorm',
  'top.MaxPool',
  'top.AvgPool',
  'top.Reduce',
  'top.Reshape',
  'top.Squeeze',
  'top.Unsqueeze',
  'top.Permute',
  'top.Concat',
  'top.Slice',
  'top.Split',
  'top.Upsample',
  'top.Interp',
]);

/** Whether the operator, with its attributes and operands, can be differentiated here. */
export function isDifferentiable(op: Op, graph: Graph): op is KnownOp {
  if (!DIFFERENTIABLE.has(op.type) || op.type === 'unknown') return false;
  const rankOf = (name: string | null | undefined) =>
    (graph.values.get(name ?? '') ?? graph.weights.get(name ?? '')?.type)?.shape.length ?? 0;
  switch (op.type) {
    case 'top.Conv':
    case 'top.Deconv':
      return op.attributes.kernelShape.length <= 2;
    case 'top.MatMul': {
      const { leftTranspose, outputTranspose, hdimIsBatch } = op.attributes;
      const ranks = [rankOf(op.inputs[0]), rankOf(op.inputs[1])];
      return (
        !leftTranspose &&
        !outputTranspose &&
        !hdimIsBatch &&
        ranks[0]! >= 2 &&
        (ranks[1] === 2 || ranks[1] === ranks[0])
      );
    }
    case 'top.Add':
    case 'top.Sub':
    case 'top.Mul':
      return op.inputs.length === 2 && ('coeff' in op.attributes ? op.attributes.coeff === undefined : true);
    case 'top.Reduce':
      return op.attributes.mode === 'ReduceMean' && op.attributes.axes.join() === String(rankOf(op.inputs[0]) - 1);
    case 'top.Sigmoid':
    case 'top.Softmax':
      return !op.attributes.log;
    case 'top.MaxPool':
    case 'top.AvgPool':
      return op.attributes.kernelShape.length <= 2 && rankOf(op.inputs[0]) === op.attributes.kernelShape.length + 2;
    case 'top.Slice':
      return op.inputs.slice(1).every((name) => name === null);
    case 'top.Interp':
      return op.inputs.slice(1).every((name) => name === null || graph.weights.has(name));
    default:
      return true;
  }
}

const reluOf = ({ doRelu, reluLimit }: { doRelu: boolean; reluLimit: number }) =>
  doRelu ? (reluLimit > 0 ? reluLimit : Number.POSITIVE_INFINITY) : undefined;

/** Records an operator with several results: the parts of a Split. */
export function evaluateParts(
  tape: Tape,
  { attributes }: OpOf<'top.Split'>,
  x: Node,
  shapes: readonly (readonly number[])[],
): Node[] {
  const axis = (attributes.axis + x.shape.length) % x.shape.length;
  let start = 0;
  return shapes.map((shape) => {
    const offset = x.shape.map((_, k) => (k === axis ? start : 0));
    start += shape[axis]!;
    return stepped(tape, x, shape, { offset, steps: x.shape.map(() => 1) });
  });
}

/** Records one operator; `shape` is its result's. */
export function evaluate(
  tape: Tape,
  op: KnownOp,
  inputs: readonly (Node | undefined)[],
  shape: readonly number[],
): Node {
  const y = withoutRelu(tape, op, inputs, shape);
  const limit = 'doRelu' in op.attributes ? reluOf(op.attributes) : undefined;
  return limit === undefined ? y : clamped(tape, y, 0, limit);
}

function clamped(tape: Tape, x: Node, min: number, max: number): Node {
  const f = (value: number) => Math.min(Math.max(value, min), max);
  return unary(tape, x, f, (value) => (value > min && value < max ? 1 : 0));
}

function withoutRelu(tape: Tape, op: KnownOp, inputs: readonly (Node | undefined)[], shape: readonly number[]): Node {
  const [x, second, third] = inputs as [Node, Node, Node | undefined];
  const number = (value: number) => tape.node([1], Float32Array.of(value));
  switch (op.type) {
    case 'top.Conv':
      return convolution(tape, op, { x, w: second, bias: third, shape });
    case 'top.Deconv':
      return deconvolution(tape, op, { x, w: second, bias: third, shape });
    case 'top.Upsample':
      return upsampled(tape, x, shape);
    case 'top.Interp':
      return resized(tape, op, x, shape);
    case 'top.MatMul':
      return matrixProduct(tape, { a: x, b: second, bias: third, isTurned: op.attributes.rightTranspose, shape });
    case 'top.Add':
      return binary(tape, 'add', [x, second], shape);
    case 'top.Sub':
      return binary(tape, 'sub', op.attributes.isReverse ? [second, x] : [x, second], shape);
    case 'top.Mul':
      return binary(tape, 'mul', [x, second], shape);
    case 'top.AddConst':
      return binary(tape, 'add', [x, number(op.attributes.constVal)], shape);
    case 'top.MulConst':
      return binary(tape, 'mul', [x, number(op.attributes.constVal)], shape);
    case 'top.SubConst': {
      const constant = number(op.attributes.constVal);
      return binary(tape, 'sub', op.attributes.isReverse ? [constant, x] : [x, constant], shape);
    }
    case 'top.Softmax': {
      const axis = (op.attributes.axis + shape.length) % shape.length;
      return softmax(
        tape,
        x,
        shape[axis]!,
        shape.slice(axis + 1).reduce((product, dim) => product * dim, 1),
      );
    }
    case 'top.LayerNorm': {
      const size = shape.slice(op.attributes.axis).reduce((product, dim) => product * dim, 1);
      const affine = { ...(second && { factor: second.data }), ...(third && { offset: third.data }) };
      return layerNormalization(tape, x, { size, eps: op.attributes.eps, ...affine });
    }
    case 'top.MaxPool':
      return maxPool(tape, op, x, shape);
    case 'top.AvgPool':
      return averagePool(tape, op, x, shape);
    case 'top.Reduce':
      return meanOfRows(tape, x, shape);
    case 'top.Reshape':
    case 'top.Squeeze':
    case 'top.Unsqueeze':
      return reshaped(tape, x, shape);
    case 'top.Permute':
      return permuted(tape, x, op.attributes.order);
    case 'top.Concat': {
      const axis = (op.attributes.axis + shape.length) % shape.length;
      return concatenated(tape, inputs as Node[], axis, shape);
    }
    case 'top.Slice':
      return sliced(tape, op, x, shape);
    default:
      return activation(tape, op, x);
  }
}

function activation(tape: Tape, op: KnownOp, x: Node): Node {
  switch (op.type) {
    case 'top.Relu':
      return clamped(tape, x, 0, op.attributes.reluLimit > 0 ? op.attributes.reluLimit : Number.POSITIVE_INFINITY);
    case 'top.Clip':
      return clamped(tape, x, op.attributes.min, op.attributes.max);
    case 'top.LeakyRelu': {
      const { alpha } = op.attributes;
      return unary(
        tape,
        x,
        (value) => (value > 0 ? value : alpha * value),
        (value) => (value > 0 ? 1 : alpha),
      );
    }
    case 'top.Sigmoid':
      return unary(tape, x, sigmoid, (_, y) => y * (1 - y));
    case 'top.Tanh':
      return unary(tape, x, tanh, (_, y) => 1 - y * y);
    case 'top.Sqrt':
      return unary(tape, x, Math.sqrt, (_, y) => (y > 0 ? 0.5 / y : 0));
    case 'top.Reciprocal': {
      const { constVal } = op.attributes;
      return unary(
        tape,
        x,
        (value) => constVal / value,
        (value) => -constVal / (value * value),
      );
    }
    case 'top.HardSigmoid': {
      const { alpha, beta } = op.attributes;
      const f = (value: number) => Math.min(Math.max(alpha * value + beta, 0), 1);
      return unary(tape, x, f, (_, y) => (y > 0 && y < 1 ? alpha : 0));
    }
    case 'top.HardSwish': {
      const f = (value: number) => (value * Math.min(Math.max(value + 3, 0), 6)) / 6;
      return unary(tape, x, f, (value) => (value <= -3 ? 0 : value >= 3 ? 1 : (2 * value + 3) / 6));
    }
    case 'top.GELU': {
      // φ(x) and Φ(x) of the normal distribution.
      const below = (value: number) => 0.5 * (1 + erf(value / Math.SQRT2));
      const density = (value: number) => 0.3989422804014327 * exp(-0.5 * value * value);
      return unary(
        tape,
        x,
        (value) => value * below(value),
        (value) => below(value) + value * density(value),
      );
    }
    default:
      throw new TypeError(`${op.type} has no gradient here`);
  }
}

function meanOfRows(tape: Tape, x: Node, shape: readonly number[]): Node {
  const y = tape.node(shape);
  const size = x.data.length / y.data.length;
  for (let i = 0; i < x.data.length; i++) y.data[Math.floor(i / size)]! += x.data[i]! / size;
  return tape.record(y, (gradient) => {
    x.gradient ??= new Float32Array(x.data.length);
    for (let i = 0; i < x.data.length; i++) x.gradient[i]! += gradient[Math.floor(i / size)]! / size;
  });
}

function sliced(tape: Tape, op: OpOf<'top.Slice'>, x: Node, shape: readonly number[]): Node {
  return stepped(tape, x, shape, fullRankSlice(x.shape, op.attributes));
}

function stepped(
  tape: Tape,
  x: Node,
  shape: readonly number[],
  { offset, steps }: { offset: readonly number[]; steps: readonly number[] },
): Node {
  const strides = x.shape.map((_, axis) => x.shape.slice(axis + 1).reduce((product, dim) => product * dim, 1));
  const from = new Int32Array(shape.reduce((product, dim) => product * dim, 1));
  for (let i = 0; i < from.length; i++) {
    let rest = i;
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      from[i]! += (offset[axis]! + (rest % shape[axis]!) * steps[axis]!) * strides[axis]!;
      rest = Math.floor(rest / shape[axis]!);
    }
  }
  return moved(tape, x, shape, from);
}
