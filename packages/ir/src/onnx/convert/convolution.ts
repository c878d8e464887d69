import { elementCount } from '../../dtype.ts';
import { gatherStrided, stridesOf } from '../fold/constant-array.ts';
import { intAttribute, intsAttribute, type OnnxNode, stringAttribute } from '../onnx-graph.ts';
import type { Constant } from '../tensor-data.ts';
import { type Conversion, type Converter, floatData, unsupported } from './conversion.ts';

interface Window {
  readonly kernelShape: number[];
  readonly strides: number[];
  readonly dilations: number[];
  readonly pads: number[];
}

/** Explicit pads of `auto_pad`; out = ceil(in / stride), the odd element at the end for SAME_UPPER. */
function samePads(spatial: readonly number[], window: Window, upper: boolean): number[] {
  const totals = spatial.map((length, axis) => {
    const extent = window.dilations[axis]! * (window.kernelShape[axis]! - 1) + 1;
    const outputs = Math.ceil(length / window.strides[axis]!);
    return Math.max(0, (outputs - 1) * window.strides[axis]! + extent - length);
  });
  const begins = totals.map((total) => (upper ? Math.floor(total / 2) : Math.ceil(total / 2)));
  return [...begins, ...totals.map((total, axis) => total - begins[axis]!)];
}

function windowOf(node: OnnxNode, spatial: readonly number[], filter: readonly number[]): Window {
  const kernelShape = intsAttribute(node, 'kernel_shape') ?? filter.slice(2);
  const ones = kernelShape.map(() => 1);
  const window: Window = {
    kernelShape,
    strides: intsAttribute(node, 'strides') ?? ones,
    dilations: intsAttribute(node, 'dilations') ?? ones,
    pads: intsAttribute(node, 'pads') ?? kernelShape.flatMap(() => [0, 0]),
  };
  const autoPad = stringAttribute(node, 'auto_pad', 'NOTSET');
  if (!autoPad.startsWith('SAME')) return autoPad === 'VALID' ? { ...window, pads: window.pads.map(() => 0) } : window;
  return { ...window, pads: samePads(spatial, window, autoPad === 'SAME_UPPER') };
}

const conv: Converter = (node, to) => {
  const [input, filter, bias] = node.inputs;
  const window = windowOf(node, to.type(input!).shape.slice(2), to.type(filter!).shape);
  if (bias && to.constant(bias) === undefined) throw unsupported(node, 'a computed bias', 'a constant bias');
  to.finish(node, 'top.Conv', {
    inputs: [to.operand(input), to.operand(filter), to.operand(bias)],
    attributes: {
      ...window,
      group: intAttribute(node, 'group', 1),
      weightIsCoeff: to.constant(filter) === undefined ? 0 : 1,
    },
  });
};

/** (ic, oc / g, k…) → shape (oc / g, ic, k…) with memory order (g, oc / g, ic / g, k…) (ir.md 8.5). */
function deconvFilter(filter: Constant, group: number): { shape: number[]; data: () => Float32Array } {
  const [ic, ocPerGroup, ...kernel] = filter.shape as [number, number, ...number[]];
  const grouped = [group, ic / group, ocPerGroup, ...kernel];
  const strides = stridesOf(grouped);
  const order = [0, 2, 1, ...kernel.map((_, axis) => axis + 3)];
  const relaid = () => {
    const source = { ...filter, elementType: 'f32' as const, data: floatData(filter) };
    return gatherStrided(
      source,
      order.map((axis) => grouped[axis]!),
      order.map((axis) => strides[axis]!),
    ).data as Float32Array;
  };
  return { shape: [ocPerGroup, ic, ...kernel], data: relaid };
}

function deconvPads(
  node: OnnxNode,
  spatial: readonly number[],
  window: Window,
  outputPadding: readonly number[],
): number[] {
  const outputShape = intsAttribute(node, 'output_shape');
  const autoPad = stringAttribute(node, 'auto_pad', 'NOTSET');
  if (outputShape === undefined && !autoPad.startsWith('SAME')) return window.pads;
  const wanted = outputShape?.slice(-spatial.length) ?? spatial.map((length, axis) => length * window.strides[axis]!);
  const totals = spatial.map((length, axis) => {
    const extent = window.dilations[axis]! * (window.kernelShape[axis]! - 1) + 1;
    return Math.max(0, window.strides[axis]! * (length - 1) + (outputPadding[axis] ?? 0) + extent - wanted[axis]!);
  });
  const begins = totals.map((total) =>
    autoPad === 'SAME_UPPER' ? Math.floor(total / 2) : total - Math.floor(total / 2),
  );
  return [...begins, ...totals.map((total, axis) => total - begins[axis]!)];
}

const convTranspose: Converter = (node, to) => {
  const [input, filter, bias] = node.inputs;
  const constant = to.constant(filter);
  if (constant === undefined) throw unsupported(node, 'a computed filter', 'a constant filter');
  const spatial = to.type(input!).shape.slice(2);
  const window = windowOf({ ...node, attributes: withoutAutoPad(node) }, spatial, constant.shape);
  const outputPadding = intsAttribute(node, 'output_padding') ?? window.kernelShape.map(() => 0);
  const group = intAttribute(node, 'group', 1);
  const { shape, data } = deconvFilter(constant, group);
  const weight = to.builder.addWeight(filter!, shape, data);
  to.finish(node, 'top.Deconv', {
    inputs: [to.operand(input), weight, to.operand(bias)],
    attributes: { ...window, pads: deconvPads(node, spatial, window, outputPadding), outputPadding, group },
  });
};

function withoutAutoPad(node: OnnxNode): OnnxNode['attributes'] {
  return new Map([...node.attributes].filter(([name]) => name !== 'auto_pad'));
}

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
  if (factor !== 1 && !rightConstant) throw unsupported(node, `alpha ${factor} on computed operands`, 'alpha 1');
  if (biasFactor !== 1 && bias && to.constant(bias) === undefined)
    throw unsupported(node, `beta ${biasFactor}`, 'beta 1');
  const operands = [
    to.operand(left),
    gemmOperand(to, right, rightConstant && transB, rightConstant ? factor : 1),
  ] as const;
  const biasOperand = bias && biasFactor !== 0 ? gemmBias(to, node, bias, biasFactor) : null;
  to.finish(node, 'top.MatMul', {
    inputs: [...operands, biasOperand],
    attributes: { leftTranspose: transA, rightTranspose: transB && !rightConstant },
  });
};

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

export const convolutionConverters = { Conv: conv, ConvTranspose: convTranspose };
export const matrixProductConverters = { Gemm: gemm, MatMul: matMul };
