import type { Emit, Graph, OpOf, Weight } from '@q/ir';

const { fround } = Math;
/** Ranges below this count as zero. */
const LEAST_RANGE = 1e-6;
const CONVERGED = 1e-4;
/** One update and one pass that finds nothing left are usual; more would not come to an end either. */
const MOST_ROUNDS = 50;
const BETWEEN: ReadonlySet<string> = new Set(['top.Relu', 'top.PRelu', 'top.LeakyRelu']);

/**
 * Cross-layer equalization (calibration.md 10): the channels between two Convs are scaled so that the filters that write
 * them and the filters that read them have the same range. Float32, as the original. Returns a graph with new weights; what
 * is in between must be homogeneous for the function to stay the same, which a relu limit is not: see
 * `equalizeWithinLimits`.
 *
 * @param maxima where given, channels behind a limited relu are scaled only as far as it lets them
 */
export function equalizeWeights(graph: Graph, emit: Emit = () => {}, maxima?: ChannelMaxima): Graph {
  const weights = new Map(graph.weights);
  for (const [first, second] of equalizablePairs(graph)) {
    const { doRelu, reluLimit } = first.attributes;
    const reached = doRelu && reluLimit > 0 ? maxima?.get(first.name)?.slice() : undefined;
    const limit = reached === undefined ? undefined : { reached, limit: reluLimit };
    equalizePair(weights, [first, second], emit, limit);
  }
  return { ...graph, weights };
}

/** Largest value of every channel of a Conv's result on calibration samples, by its name. */
export type ChannelMaxima = ReadonlyMap<string, Float32Array>;

type Conv = OpOf<'top.Conv'>;

/** Convs with the only Conv that reads them. */
export function equalizablePairs(graph: Graph): [Conv, Conv][] {
  return graph.ops.flatMap((op): [Conv, Conv][] => {
    if (op.type !== 'top.Conv') return [];
    const [next, ...others] = followingConvs(graph, op.name) ?? [];
    return next !== undefined && others.length === 0 ? [[op, next]] : [];
  });
}

/** The bound of a relu, and how far its channels come. */
interface ReluLimit {
  readonly limit: number;
  /** Divided by what the channels are divided by. */
  readonly reached: Float32Array;
}

/** The Convs behind a Conv, directly or through a relu; undefined where anything else reads it. */
function followingConvs(graph: Graph, name: string): OpOf<'top.Conv'>[] | undefined {
  const found: OpOf<'top.Conv'>[] = [];
  for (const reader of readersOf(graph, name)) {
    const behind = BETWEEN.has(reader.type) ? readersOf(graph, reader.name) : [reader];
    for (const conv of behind) {
      if (conv.type !== 'top.Conv') return undefined;
      found.push(conv);
    }
  }
  return found;
}

function readersOf(graph: Graph, name: string): Graph['ops'][number][] {
  return graph.ops.filter(({ inputs }) => inputs.includes(name));
}

function equalizePair(
  weights: Map<string, Weight>,
  [first, second]: readonly [OpOf<'top.Conv'>, OpOf<'top.Conv'>],
  emit: Emit,
  limit: ReluLimit | undefined,
): void {
  const [firstName, secondName, biasName] = [first.inputs[1], second.inputs[1], first.inputs[2]];
  for (let round = 1; round <= MOST_ROUNDS; round++) {
    const before = weights.get(firstName ?? '');
    const after = weights.get(secondName ?? '');
    if (before === undefined || after === undefined) return;
    const groups = Math.floor(before.type.shape[0]! / after.type.shape[1]!);
    const line = `Cross Layer WE: ${first.name} --- ${second.name} Groups: ${groups} Iter: ${round}`;
    emit({ type: 'line', text: line });
    const scales = scalesBetween(before, after, groups);
    if (limit !== undefined) keepWithin(scales, limit);
    const newFirst = scaleFilters(before, scales, divide);
    const newSecond = scaleInputs(after, scales, groups);
    const loss = distance(before, newFirst) + distance(after, newSecond);
    emit({ type: 'line', text: `>>>loss:${loss}` });
    if (loss < CONVERGED) return;
    limit?.reached.forEach((value, c) => {
      limit.reached[c] = value / scales[c]!;
    });
    weights.set(firstName!, newFirst);
    weights.set(secondName!, newSecond);
    const bias = biasName == null ? undefined : weights.get(biasName);
    if (bias !== undefined) weights.set(biasName!, scaleFilters(bias, scales, divide));
  }
}

/** Channels that reach the bound of the relu stay as they are, others grow up to it: the function stays the same. */
function keepWithin(scales: Float32Array, { reached, limit }: ReluLimit): void {
  scales.forEach((scale, c) => {
    const share = reached[c]! / limit;
    scales[c] = share >= 1 ? 1 : Math.max(scale, share);
  });
}

/** What each channel between the two is divided by. */
function scalesBetween(first: Weight, second: Weight, groups: number): Float32Array {
  const channels = first.type.shape[0]!;
  const perGroup = Math.floor(channels / groups);
  const outputs = Math.floor(second.type.shape[0]! / groups);
  const inputs = second.type.shape[1]!;
  const firstSize = first.data.length / channels;
  const kernel = second.data.length / (second.type.shape[0]! * inputs);
  const scales = new Float32Array(channels).fill(1);
  for (let group = 0; group < groups; group++) {
    for (let c = 0; c < inputs; c++) {
      const channel = group * perGroup + c;
      let writing = 0;
      for (let i = 0; i < firstSize; i++) writing = Math.max(writing, magnitude(first, channel * firstSize + i));
      let reading = 0;
      for (let output = group * outputs; output < (group + 1) * outputs; output++) {
        const from = (output * inputs + c) * kernel;
        for (let i = 0; i < kernel; i++) reading = Math.max(reading, magnitude(second, from + i));
      }
      scales[channel] = scaleOf(writing, reading);
    }
  }
  return scales;
}

function magnitude({ data }: Weight, at: number): number {
  return Math.abs(data[at] as number);
}

function scaleOf(writing: number, reading: number): number {
  const [range1, range2] = [writing, reading].map((range) => (range < LEAST_RANGE ? 0 : range)) as [number, number];
  const scale = fround(range1 / fround(Math.sqrt(fround(range1 * range2))));
  return Number.isFinite(scale) ? scale : 1;
}

function divide(value: number, scale: number): number {
  return fround(value / scale);
}

/** Every filter (or bias entry) changed by its own channel's scale. */
function scaleFilters(weight: Weight, scales: Float32Array, change: (value: number, scale: number) => number): Weight {
  const size = weight.data.length / scales.length;
  const values = weight.data as Float32Array;
  return { ...weight, data: Float32Array.from(values, (value, i) => change(value, scales[Math.floor(i / size)]!)) };
}

/** Every input channel of every filter multiplied by its scale. */
function scaleInputs(weight: Weight, scales: Float32Array, groups: number): Weight {
  const [outputs, inputs] = weight.type.shape as [number, number];
  const perGroup = Math.floor(scales.length / groups);
  const outputsPerGroup = Math.floor(outputs / groups);
  const kernel = weight.data.length / (outputs * inputs);
  const data = Float32Array.from(weight.data as Float32Array, (value, i) => {
    const output = Math.floor(i / (inputs * kernel));
    const channel = Math.floor(i / kernel) % inputs;
    const group = Math.min(Math.floor(output / outputsPerGroup), groups - 1);
    return fround(value * scales[group * perGroup + channel]!);
  });
  return { ...weight, data };
}

/** L2 norm of the difference. */
function distance(a: Weight, b: Weight): number {
  let sum = 0;
  for (let i = 0; i < a.data.length; i++) sum += fround((a.data[i] as number) - (b.data[i] as number)) ** 2;
  return fround(Math.sqrt(sum));
}
