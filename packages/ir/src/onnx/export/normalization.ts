import type { KnownOp, OpOf } from '../../graph.ts';
import type { Emitters, OnnxWriter } from './onnx-writer.ts';
import { float } from './tensor-wire.ts';

/** One number per channel, shaped to broadcast against a value of this rank. */
function perChannel(to: OnnxWriter, name: string, rank: number): string {
  const dims = [1, to.count(name), ...Array.from({ length: Math.max(0, rank - 2) }, () => 1)].slice(
    0,
    Math.max(2, rank),
  );
  const weight = to.weight(name);
  return weight === undefined ? to.reshape(to.tensor(name), dims) : to.reshapedWeight(name, weight, dims);
}

/** y · weight + bias, either of which may be absent; the last node writes the op's result. */
function affine(
  op: KnownOp,
  to: OnnxWriter,
  y: (output?: string) => string,
  factors: readonly [string, string][],
): void {
  const normalised = y(factors.length === 0 ? to.output(op) : undefined);
  factors.reduce(
    (tensor, [opType, operand], i) =>
      to.node(opType, [tensor, operand], {}, i === factors.length - 1 ? to.output(op) : undefined),
    normalised,
  );
}

/** (x − mean) / √(mean of squares + eps) over some axes. */
function standardise(to: OnnxWriter, x: string, axes: readonly number[], eps: number, output?: string): string {
  const mean = (tensor: string) =>
    to.node('ReduceMean', to.opset >= 18 ? [tensor, to.ints(axes)] : [tensor], to.opset >= 18 ? {} : { axes });
  const centred = to.node('Sub', [x, mean(x)]);
  const variance = mean(to.node('Mul', [centred, centred]));
  const deviation = to.node('Sqrt', [to.node('Add', [variance, to.scalar(eps)])]);
  return to.node('Div', [centred, deviation], {}, output);
}

function layerNorm(op: OpOf<'top.LayerNorm'>, to: OnnxWriter): void {
  const [x, weight, bias] = op.inputs;
  const shape = to.shape(x!);
  const { axis, eps } = op.attributes;
  const normalized = shape.slice(axis);
  if (to.opset >= 17) {
    const ones = () => to.floats(new Float32Array(normalized.reduce((a, b) => a * b, 1)).fill(1), normalized);
    const inputs = [to.tensor(x), weight == null ? ones() : to.tensor(weight), to.tensor(bias)];
    to.node('LayerNormalization', inputs, { axis, epsilon: float(eps) }, to.output(op));
    return;
  }
  const axes = normalized.map((_, i) => axis + i);
  const factors: [string, string][] = [];
  if (weight != null) factors.push(['Mul', to.tensor(weight)]);
  if (bias != null) factors.push(['Add', to.tensor(bias)]);
  affine(op, to, (output) => standardise(to, to.tensor(x), axes, eps, output), factors);
}

/** Group and instance normalisation differ in how channels are gathered before the statistics. */
function groupNorm(op: OpOf<'top.GroupNorm'> | OpOf<'top.InstanceNorm'>, to: OnnxWriter): void {
  const [x, weight, bias] = op.inputs;
  const shape = to.shape(x!);
  const [n, c] = shape as [number, number];
  const groups = op.type === 'top.GroupNorm' ? op.attributes.numGroups : c;
  const ones = to.floats(new Float32Array(groups).fill(1));
  const zeros = to.floats(new Float32Array(groups));
  const grouped = to.reshape(to.tensor(x), [n, groups, shape.slice(1).reduce((a, b) => a * b, 1) / groups]);
  const normal = to.node('InstanceNormalization', [grouped, ones, zeros], { epsilon: float(op.attributes.eps) });
  const factors: [string, string][] = [];
  if (weight != null) factors.push(['Mul', perChannel(to, weight, shape.length)]);
  if (bias != null) factors.push(['Add', perChannel(to, bias, shape.length)]);
  affine(op, to, (output) => to.reshape(normal, shape, output), factors);
}

export const normalizationEmitters: Emitters = {
  'top.BatchNorm'(op, to) {
    const [x, mean, variance, gamma, beta] = op.inputs;
    const channels = to.count(mean!);
    const filled = (name: string | null | undefined, value: number) =>
      name == null ? to.floats(new Float32Array(channels).fill(value)) : to.tensor(name);
    const inputs = [to.tensor(x), filled(gamma, 1), filled(beta, 0), to.tensor(mean), to.tensor(variance)];
    to.withRelu(op, op.attributes, (output) =>
      to.node('BatchNormalization', inputs, { epsilon: float(op.attributes.epsilon) }, output),
    );
  },
  'top.Scale'(op, to) {
    const [x, scale, bias] = op.inputs;
    const rank = to.shape(x!).length;
    to.withRelu(op, op.attributes, (output) => {
      const hasBias = bias != null;
      const product = to.node('Mul', [to.tensor(x), perChannel(to, scale!, rank)], {}, hasBias ? undefined : output);
      if (hasBias) to.node('Add', [product, perChannel(to, bias, rank)], {}, output);
    });
  },
  'top.LayerNorm': layerNorm,
  'top.GroupNorm': groupNorm,
  'top.InstanceNorm': groupNorm,
  'top.PixelNorm'(op, to) {
    const [x, weight, bias] = op.inputs;
    const rank = to.shape(x!).length;
    const factors: [string, string][] = [];
    if (weight != null) factors.push(['Mul', perChannel(to, weight, rank)]);
    if (bias != null) factors.push(['Add', perChannel(to, bias, rank)]);
    affine(op, to, (output) => standardise(to, to.tensor(x), [1], op.attributes.eps, output), factors);
  },
  'top.RMSNorm'(op, to) {
    const [name, gamma] = op.inputs;
    const x = to.tensor(name);
    const axes = [to.shape(name!).length - 1];
    const squares = to.node('Mul', [x, x]);
    const mean = to.node(
      'ReduceMean',
      to.opset >= 18 ? [squares, to.ints(axes)] : [squares],
      to.opset >= 18 ? {} : { axes },
    );
    const root = to.node('Sqrt', [to.node('Add', [mean, to.scalar(op.attributes.eps)])]);
    const factors: [string, string][] = gamma == null ? [] : [['Mul', to.tensor(gamma)]];
    affine(op, to, (output) => to.node('Div', [x, root], {}, output), factors);
  },
  'top.LRN'(op, to) {
    const { size, alpha, beta, bias } = op.attributes;
    to.node(
      'LRN',
      [to.tensor(op.inputs[0])],
      { size, alpha: float(alpha), beta: float(beta), bias: float(bias) },
      to.output(op),
    );
  },
};
