import { elementCount } from '../../dtype.ts';
import { gatherStrided } from '../fold/constant-array.ts';
import { floatAttribute, intAttribute, type OnnxNode } from '../onnx-graph.ts';
import type { Constant } from '../tensor-data.ts';
import { type Conversion, type Converter, floatData, layerName, unsupported } from './conversion.ts';

/** [M, K] as [K, M], or the data times a factor: what Gemm's flags do to constants. */
function fixedMatrix(
  constant: Constant,
  transpose: boolean,
  factor: number,
): { shape: readonly number[]; data: () => Float32Array } {
  const [rows, columns] = constant.shape as [number, number];
  const data = () => {
    const source = { ...constant, elementType: 'f32' as const, data: floatData(constant) };
    const moved = transpose ? gatherStrided(source, [columns, rows], [1, columns]) : source;
    return Float32Array.from(moved.data as Float32Array, (value) => value * factor);
  };
  return { shape: transpose ? [columns, rows] : constant.shape, data };
}

/** A Gemm operand: constants take transposition and factor into their data, under the key `<tensor>_fix`. */
function gemmOperand(to: Conversion, tensor: string, transpose: boolean, factor: number): string {
  const constant = to.constant(tensor);
  if (constant === undefined || (!transpose && factor === 1)) return to.operand(tensor)!;
  const { shape, data } = fixedMatrix(constant, transpose, factor);
  return to.builder.addWeight(`${tensor}_fix`, shape, data);
}

const gemm: Converter = (node, to) => {
  const [left, right, bias] = node.inputs as [string, string, string | undefined];
  const alpha = node.attributes.get('alpha');
  const factor = alpha?.kind === 'float' ? alpha.value : 1;
  const beta = node.attributes.get('beta');
  const biasFactor = beta?.kind === 'float' ? beta.value : 1;
  const transA = intAttribute(node, 'transA', 0) !== 0;
  const transB = intAttribute(node, 'transB', 0) !== 0;
  const rightConstant = to.constant(right) !== undefined;
  const isComputed = (tensor: string | undefined) => Boolean(tensor) && to.constant(tensor) === undefined;
  if ((factor !== 1 && !rightConstant) || (isComputed(bias) && (biasFactor !== 1 || !isPerColumn(to, node)))) {
    return gemmInSteps(node, to, { factor, biasFactor, transA, transB });
  }
  const operands = [
    to.operand(left),
    gemmOperand(to, right, rightConstant && transB, rightConstant ? factor : 1),
  ] as const;
  const attributes = { leftTranspose: transA, rightTranspose: transB && !rightConstant };
  if (bias && biasFactor !== 0 && isMatrix(to, bias)) {
    // Top's bias is one number per column: a matrix is added by a layer of its own.
    const product = to.add('top.MatMul', {
      name: `${layerName(node)}_product`,
      inputs: [...operands, null],
      attributes,
    });
    to.finish(node, 'top.Add', { inputs: [product, gemmOperand(to, bias, false, biasFactor)] });
    return;
  }
  const biasOperand = bias && biasFactor !== 0 ? gemmBias(to, node, bias, biasFactor) : null;
  to.finish(node, 'top.MatMul', { inputs: [...operands, biasOperand], attributes });
};

/** Factors on operands that the graph computes, and computed biases of any shape: a layer for each step. */
function gemmInSteps(
  node: OnnxNode,
  to: Conversion,
  { factor, biasFactor, transA, transB }: { factor: number; biasFactor: number; transA: boolean; transB: boolean },
): void {
  const [left, right, bias] = node.inputs.map((input) => to.operand(input)) as [string, string, string | null];
  const name = layerName(node);
  const hasBias = bias != null && biasFactor !== 0;
  const attributes = { leftTranspose: transA, rightTranspose: transB };
  const inputs = [left, right, null];
  if (factor === 1 && !hasBias) {
    to.finish(node, 'top.MatMul', { inputs, attributes });
    return;
  }
  const product = to.add('top.MatMul', { name: `${name}_product`, inputs, attributes });
  const scale = (suffix: string, value: string, by: number) =>
    by === 1
      ? value
      : to.add('top.MulConst', { name: `${name}_${suffix}`, inputs: [value], attributes: { constVal: by } });
  if (hasBias)
    to.finish(node, 'top.Add', { inputs: [scale('alpha', product, factor), scale('beta', bias, biasFactor)] });
  else to.finish(node, 'top.MulConst', { inputs: [product], attributes: { constVal: factor } });
}

/** One bias for every column, as Top has it. */
function isPerColumn(to: Conversion, node: OnnxNode): boolean {
  const { shape } = to.type(node.inputs[2]!);
  return elementCount(shape) === columnsOf(to, node) && shape.at(-1) === columnsOf(to, node);
}

const isMatrix = (to: Conversion, bias: string) => to.type(bias).shape.length === 2 && to.type(bias).shape[0] !== 1;

/** Top's bias has one element per column; a scalar one is spread. */
function gemmBias(to: Conversion, node: OnnxNode, bias: string, factor: number): string {
  const columns = node.inputs[1] === undefined ? 0 : columnsOf(to, node);
  const constant = to.constant(bias);
  const { shape } = to.type(bias);
  if (elementCount(shape) === columns) return gemmOperand(to, bias, false, factor);
  if (constant === undefined || elementCount(shape) !== 1) {
    throw unsupported(node, `a bias of shape [${shape.join(',')}]`, `one bias per column (${columns})`);
  }
  const value = Number(constant.data[0]) * factor;
  return to.builder.addWeight(`${bias}_fix`, [columns], () => new Float32Array(columns).fill(value));
}

function columnsOf(to: Conversion, node: OnnxNode): number {
  const { shape } = to.type(node.inputs[1]!);
  return intAttribute(node, 'transB', 0) === 0 ? shape.at(-1)! : shape.at(-2)!;
}

const matMul: Converter = (node, to) => {
  to.finish(node, 'top.MatMul', { inputs: [to.operand(node.inputs[0]), to.operand(node.inputs[1]), null] });
};

/** Made of Attention: query, key, value and mask as Top has them. */
const attention: Converter = (node, to) => {
  const softcap = floatAttribute(node, 'softcap', 0);
  to.finish(node, 'top.ScaleDotProductAttention', {
    inputs: [0, 1, 2, 3].map((index) => to.operand(node.inputs[index])),
    attributes: { scale: floatAttribute(node, 'scale', 0), ...(softcap > 0 ? { softcap } : {}) },
  });
};

export const matrixProductConverters = { Gemm: gemm, MatMul: matMul, ScaleDotProductAttention: attention };
