import type { OpOf } from '../../graph.ts';
import { matMulDimensions } from '../../operators/matrix-product.ts';
import type { Emitters, OnnxWriter } from './onnx-writer.ts';

type MatMul = OpOf<'top.MatMul'>;

/** The two operands as ONNX's MatMul wants them: heads in front, nothing transposed. */
function operand(op: MatMul, to: OnnxWriter, index: 0 | 1, isTransposed: boolean): string {
  const name = op.inputs[index]!;
  const rank = to.shape(name).length;
  const order = Array.from({ length: rank }, (_, axis) => axis);
  if (op.attributes.hdimIsBatch && rank === 4) [order[1], order[2]] = [2, 1];
  if (isTransposed && rank > 1) [order[rank - 2], order[rank - 1]] = [order[rank - 1]!, order[rank - 2]!];
  const tensor = to.tensor(name);
  return order.some((from, axis) => from !== axis) ? to.transpose(tensor, order) : tensor;
}

/** [M, K] · [K, N] + bias with plain operands: one Gemm. */
function isGemm(op: MatMul, to: OnnxWriter): boolean {
  const { hdimIsBatch, outputTranspose } = op.attributes;
  const ranks = [op.inputs[0]!, op.inputs[1]!].map((name) => to.shape(name).length);
  return op.inputs[2] != null && !hdimIsBatch && !outputTranspose && ranks[0] === 2 && ranks[1] === 2;
}

function biasOf(op: MatMul, to: OnnxWriter, columns: number): string {
  const weight = to.weight(op.inputs[2]);
  return weight === undefined ? to.tensor(op.inputs[2]) : to.reshapedWeight(op.inputs[2]!, weight, [columns]);
}

function emitProduct(op: MatMul, to: OnnxWriter, output: string): void {
  const { leftTranspose, rightTranspose, outputTranspose, hdimIsBatch } = op.attributes;
  const [left, right] = [to.shape(op.inputs[0]!), to.shape(op.inputs[1]!)];
  const dimensions = matMulDimensions(left, right, op.attributes);
  if (isGemm(op, to)) {
    const inputs = [to.tensor(op.inputs[0]), to.tensor(op.inputs[1]), biasOf(op, to, dimensions.N)];
    const direct = dimensions.M === (leftTranspose ? left[1] : left[0]);
    if (!direct) inputs[0] = to.reshape(inputs[0]!, [dimensions.M, dimensions.K]);
    to.node('Gemm', inputs, { transA: leftTranspose ? 1 : 0, transB: rightTranspose ? 1 : 0 }, output);
    return;
  }
  // Rows that only fit after flattening (ir.md 6.2).
  const isFlattened = left.length > 1 && (leftTranspose ? left.at(-2) : left.at(-1)) !== dimensions.K;
  const a = isFlattened
    ? to.reshape(to.tensor(op.inputs[0]), [dimensions.M, dimensions.K])
    : operand(op, to, 0, leftTranspose);
  const b = operand(op, to, 1, rightTranspose);
  const steps: ((tensor: string, target?: string) => string)[] = [(_, target) => to.node('MatMul', [a, b], {}, target)];
  if (op.inputs[2] != null) {
    const bias = biasOf(op, to, dimensions.N);
    steps.push((tensor, target) => to.node('Add', [tensor, bias], {}, target));
  }
  const rank = dimensions.batch.length + 2;
  if (outputTranspose) {
    const order = Array.from({ length: rank }, (_, axis) =>
      axis < rank - 2 ? axis : axis === rank - 1 ? rank - 2 : rank - 1,
    );
    steps.push((tensor, target) => to.transpose(tensor, order, target));
  }
  if (hdimIsBatch && rank === 4) steps.push((tensor, target) => to.transpose(tensor, [0, 2, 1, 3], target));
  const result = to.shape(op.outputs[0]!);
  const natural = isFlattened ? [dimensions.M, dimensions.N] : dimensions.output;
  const dropped = left.length === 1 && right.length === 1;
  if (dropped || !op.attributes.keepDims || isFlattened || natural.length !== result.length) {
    steps.push((tensor, target) => to.reshape(tensor, result, target));
  }
  steps.reduce((tensor, step, i) => step(tensor, i === steps.length - 1 ? output : undefined), '');
}

export const matrixProductEmitters: Emitters = {
  'top.MatMul': (op, to) => to.withRelu(op, op.attributes, (output) => emitProduct(op, to, output)),
};
