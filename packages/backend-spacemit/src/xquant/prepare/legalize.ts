import type { Graph, Op } from '@q/ir';
import { foldAffine } from './fold-affine.ts';
import { fuseLayerNorm } from './fuse-layer-norm.ts';
import { Rewriting } from './rewriting.ts';

/**
 * The rewrites between reading a model and quantizing it (spacemit.md 6.3) that the ONNX import has not done: constants
 * behind convolutions and matrix products, normalisations that stand alone, division by constants, Flatten in front of a
 * Gemm. `isSimplified: false` keeps to what quantization cannot do without.
 */
export function legalize(graph: Graph, { isSimplified = true } = {}): Graph {
  const rewriting = new Rewriting(graph);
  if (isSimplified) {
    // Two rounds, as the vendor does: a factor and an offset behind one convolution.
    for (let round = 0; round < 2; round++) foldAffine(rewriting);
    rewriting.sweep((op) => flattenedGemm(op, rewriting));
    fuseLayerNorm(rewriting);
  }
  rewriting.sweep(
    (op) => normalisationInSteps(op, rewriting) || divisionByConstant(op, rewriting) || gemmByRows(op, rewriting),
  );
  return rewriting.finish();
}

/** A BatchNormalization that stays becomes Mul and Add. */
function normalisationInSteps(op: Op, graph: Rewriting): boolean {
  if (op.type !== 'top.BatchNorm' || op.attributes.doRelu) return false;
  const [mean, variance, gamma, beta] = op.inputs.slice(1).map((name) => graph.data(name));
  if (mean === undefined || variance === undefined) return false;
  const factor = variance.map((value, c) => (gamma?.[c] ?? 1) / Math.sqrt(value + op.attributes.epsilon));
  const offset = factor.map((value, c) => (beta?.[c] ?? 0) - mean[c]! * value);
  const shape = graph.shape(op.name);
  const dims = shape.length < 2 ? [factor.length] : [1, factor.length, ...shape.slice(2).map(() => 1)];
  const scaled = `${op.name}_scaled`;
  graph.values.set(scaled, graph.values.get(op.name)!);
  graph.replace(
    op,
    graph.make('top.Mul', scaled, [op.inputs[0]!, graph.addWeight(`${op.name}_factor`, dims, factor)]),
    graph.make('top.Add', op.name, [scaled, graph.addWeight(`${op.name}_offset`, dims, offset)]),
  );
  return true;
}

/** x / c is x · (1 / c). */
function divisionByConstant(op: Op, graph: Rewriting): boolean {
  if (op.type !== 'top.Div' || op.inputs.length !== 2 || op.attributes.isReverse || op.attributes.doRelu) return false;
  const divisor = graph.data(op.inputs[1]);
  if (divisor === undefined || graph.weights.has(op.inputs[0]!)) return false;
  const reciprocal = divisor.map((value) => 1 / value);
  const name = graph.addWeight(`${op.inputs[1]}_reciprocal`, graph.shape(op.inputs[1]!), reciprocal);
  graph.replace(op, graph.make('top.Mul', op.name, [op.inputs[0]!, name]));
  return true;
}

/**
 * Flatten and Gemm on an image become a convolution whose kernel is the image, then the Flatten (spacemit.md 6.3): the
 * filter gets a scale per output.
 */
function flattenedGemm(op: Op, graph: Rewriting): boolean {
  if (op.type !== 'top.MatMul' || op.attributes.leftTranspose || op.attributes.outputTranspose) return false;
  const flatten = graph.producer(op.inputs[0]);
  const filter = graph.data(op.inputs[1]);
  // The import writes a Flatten as the Reshape that it is, under its own layer name.
  const isFlatten = flatten?.type === 'top.Reshape' && flatten.name.endsWith('_Flatten');
  if (!isFlatten || filter === undefined || graph.soleReader(op.inputs[0]!) !== op) return false;
  const image = graph.shape(flatten.inputs[0]!);
  const [K, N] = op.attributes.rightTranspose ? graph.shape(op.inputs[1]!).toReversed() : graph.shape(op.inputs[1]!);
  const isImage = image.length > 2 && image.slice(1).reduce((product, dim) => product * dim, 1) === K;
  if (!isImage || graph.shape(op.inputs[1]!).length !== 2 || graph.shape(op.name).length !== 2) return false;
  const kernel = image.slice(2);
  const rows = op.attributes.rightTranspose ? filter : turned(filter, K!, N!);
  const inputs = [
    flatten.inputs[0]!,
    graph.addWeight(`${op.name}_filter`, [N!, image[1]!, ...kernel], rows),
    op.inputs[2] ?? null,
  ];
  const conv = `${op.name}_conv`;
  graph.values.set(conv, { shape: [image[0]!, N!, ...kernel.map(() => 1)], dtype: 'f32' });
  const ones = kernel.map(() => 1);
  graph.replace(flatten);
  const { doRelu, reluLimit } = op.attributes;
  graph.replace(
    op,
    graph.make('top.Conv', conv, inputs, {
      kernelShape: kernel,
      strides: ones,
      pads: [...kernel, ...kernel].map(() => 0),
      dilations: ones,
      group: 1,
      doRelu,
      reluLimit,
    }),
    graph.make('top.Reshape', op.name, [conv, null], { shape: [image[0]!, N!] }),
  );
  return true;
}

/** A Gemm's constant has a row per output (transB = 1). */
function gemmByRows(op: Op, graph: Rewriting): boolean {
  if (op.type !== 'top.MatMul' || op.inputs[2] == null || op.attributes.rightTranspose) return false;
  const filter = graph.data(op.inputs[1]);
  const shape = graph.weights.get(op.inputs[1]!)?.type.shape;
  if (filter === undefined || shape?.length !== 2) return false;
  const [K, N] = shape as [number, number];
  // The import turned it and named it so; this is what the file has.
  const name = graph.addWeight(op.inputs[1]!.replace(/_fix$/, ''), [N, K], turned(filter, K, N));
  const inputs = [op.inputs[0]!, name, op.inputs[2]];
  graph.replace(op, { ...op, inputs, attributes: { ...op.attributes, rightTranspose: true } });
  return true;
}

function turned(data: Float32Array, rows: number, columns: number): Float32Array {
  const out = new Float32Array(data.length);
  for (let r = 0; r < rows; r++) for (let c = 0; c < columns; c++) out[c * rows + r] = data[r * columns + c]!;
  return out;
}
