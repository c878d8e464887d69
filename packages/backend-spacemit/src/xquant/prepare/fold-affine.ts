import type { Op, OpOf } from '@q/ir';
import type { Rewriting } from './rewriting.ts';

type Computing = OpOf<'top.Conv'> | OpOf<'top.Deconv'> | OpOf<'top.MatMul'>;

/** y · factor + offset, one number of each per output channel. */
interface Affine {
  readonly factor: Float32Array;
  readonly offset: Float32Array;
}

/**
 * Takes normalisations and constant factors and offsets into the convolution or matrix product in front of them, which
 * nothing else reads (spacemit.md 6.3): BatchNormalization, Mul, Div, Add and Sub with one number, or one per channel.
 * The result carries the name of the last of the two. (The vendor adds a constant that is to be subtracted.)
 */
export function foldAffine(graph: Rewriting): boolean {
  return graph.sweep((op) => {
    const input = op.inputs.find((name) => name !== null && graph.values.has(name));
    const computing = graph.producer(input);
    if (input == null || !isComputing(computing) || graph.soleReader(input) !== op) return false;
    const filter = graph.data(computing.inputs[1]);
    const bias = graph.data(computing.inputs[2]);
    if (filter === undefined || (computing.inputs[2] != null && bias === undefined)) return false;
    const channels = outputChannels(computing, graph);
    const affine = channels === undefined ? undefined : affineOf(op, graph, { channels, input });
    if (affine === undefined) return false;
    // A bias of its own would be a float addition behind a product of more than two dimensions.
    const needsBias = bias !== undefined || affine.offset.some((value) => value !== 0);
    if (needsBias && computing.type === 'top.MatMul' && !isGemm(computing, graph)) return false;
    const shifted = affine.offset.map((value, c) => (bias?.[c] ?? 0) * affine.factor[c]! + value);
    const name = op.outputs[0]!;
    const inputs = [
      computing.inputs[0]!,
      graph.addWeight(`${name}_weight`, graph.shape(computing.inputs[1]!), scaled(computing, filter, affine, graph)),
      needsBias ? graph.addWeight(`${name}_bias`, [channels!], shifted) : null,
    ];
    graph.replace(op);
    graph.replace(computing, { ...computing, name, outputs: [name], inputs } as Op);
    graph.values.delete(input);
    graph.tensorNames.delete(input);
    return true;
  });
}

function isComputing(op: Op | undefined): op is Computing {
  return op?.type === 'top.Conv' || op?.type === 'top.Deconv' || op?.type === 'top.MatMul';
}

function isGemm(op: OpOf<'top.MatMul'>, graph: Rewriting): boolean {
  return graph.shape(op.inputs[0]!).length === 2 && graph.shape(op.inputs[1]!).length === 2;
}

function outputChannels(op: Computing, graph: Rewriting): number | undefined {
  const shape = graph.shape(op.name);
  if (op.type !== 'top.MatMul') return shape[1];
  return graph.shape(op.inputs[1]!).length === 2 ? shape.at(-1) : undefined;
}

function affineOf(op: Op, graph: Rewriting, at: { channels: number; input: string }): Affine | undefined {
  const { channels, input } = at;
  const all = (value: number) => new Float32Array(channels).fill(value);
  switch (op.type) {
    case 'top.BatchNorm': {
      if (op.attributes.doRelu || graph.producer(input)?.type === 'top.MatMul') return undefined;
      const [mean, variance, gamma, beta] = op.inputs.slice(1).map((name) => graph.data(name));
      return mean === undefined || variance === undefined
        ? undefined
        : normalisation({ mean, variance, gamma, beta, epsilon: op.attributes.epsilon });
    }
    case 'top.AddConst':
      return { factor: all(1), offset: all(op.attributes.constVal) };
    case 'top.SubConst':
      return op.attributes.isReverse
        ? { factor: all(-1), offset: all(op.attributes.constVal) }
        : { factor: all(1), offset: all(-op.attributes.constVal) };
    case 'top.MulConst':
      return { factor: all(op.attributes.constVal), offset: all(0) };
    case 'top.Add':
    case 'top.Sub':
    case 'top.Mul':
    case 'top.Div': {
      if (op.inputs.length !== 2 || ('coeff' in op.attributes && op.attributes.coeff !== undefined)) return undefined;
      const isFirst = op.inputs[0] === input;
      const data = perChannel(op.inputs[isFirst ? 1 : 0]!, graph, at);
      if (data === undefined || (op.type === 'top.Div' && !isFirst)) return undefined;
      if (op.type === 'top.Mul') return { factor: data, offset: all(0) };
      if (op.type === 'top.Div') return { factor: data.map((value) => 1 / value), offset: all(0) };
      if (op.type === 'top.Add') return { factor: all(1), offset: data };
      return isFirst ? { factor: all(1), offset: data.map((value) => -value) } : { factor: all(-1), offset: data };
    }
    default:
      return undefined;
  }
}

/** γ / √(variance + ε) and β − mean · factor. */
function normalisation(parts: {
  mean: Float32Array;
  variance: Float32Array;
  gamma: Float32Array | undefined;
  beta: Float32Array | undefined;
  epsilon: number;
}): Affine {
  const { mean, variance, gamma, beta, epsilon } = parts;
  const factor = variance.map((value, c) => (gamma?.[c] ?? 1) / Math.sqrt(value + epsilon));
  return { factor, offset: factor.map((value, c) => (beta?.[c] ?? 0) - mean[c]! * value) };
}

/** A constant with one number for all, or one per channel, as one number per channel. */
function perChannel(
  name: string,
  graph: Rewriting,
  { channels, input }: { channels: number; input: string },
): Float32Array | undefined {
  const data = graph.data(name);
  if (data === undefined) return undefined;
  const [shape, whole] = [graph.shape(name), graph.shape(input)];
  if (data.length === 1 && shape.length <= whole.length) return new Float32Array(channels).fill(data[0]!);
  const axis = graph.producer(input)?.type === 'top.MatMul' ? whole.length - 1 : 1;
  const isPerChannel = data.length === channels && shape[axis - whole.length + shape.length] === channels;
  return isPerChannel && shape.length <= whole.length ? data : undefined;
}

function scaled(op: Computing, filter: Float32Array, { factor }: Affine, graph: Rewriting): Float32Array {
  const shape = graph.shape(op.inputs[1]!);
  return filter.map((value, i) => value * factor[outputChannelOf(op, shape, i)]!);
}

/** The output channel that element `i` of a filter contributes to. */
export function outputChannelOf(op: Computing, shape: readonly number[], i: number): number {
  const inner = shape.slice(1).reduce((product, dim) => product * dim, 1);
  if (op.type === 'top.Conv') return Math.floor(i / inner);
  if (op.type === 'top.MatMul') {
    const columns = shape.at(-1)!;
    return op.attributes.rightTranspose ? Math.floor(i / columns) : i % columns;
  }
  // (group, OC / group, IC / group, k…) in memory, [OC / group, IC, k…] as a shape.
  const [perGroup, inputs, ...kernel] = shape as [number, number, ...number[]];
  const size = (inputs / op.attributes.group) * kernel.reduce((product, dim) => product * dim, 1);
  return Math.floor(i / size) % (perGroup * op.attributes.group);
}
