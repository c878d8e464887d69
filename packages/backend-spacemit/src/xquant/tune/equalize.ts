import type { Emit, Graph, Op, Weight } from '@q/ir';
import { createSession } from '@q/runtime';
import type { FinetuneLevel } from '../config/settings.ts';
import type { CalibrationData } from '../data/calibration-data.ts';
import { SeededRandom } from '../seeded-random.ts';
import { inputChannels, outputChannels } from './channels.ts';
import { type Computing, type EqualizationPair, equalizationPairs } from './equalization-pairs.ts';

export interface EqualizationRequest {
  readonly data: CalibrationData;
  readonly seed: number;
  readonly level: FinetuneLevel;
  /** Operators that may take part; all without it. */
  readonly limit: ReadonlySet<Op> | undefined;
  readonly emit: Emit;
}

const ITERATIONS = 10;
/** Weight of biases and activations against weights in a channel's size. */
const SIDE_WEIGHT = 0.5;
/** Channels smaller than this are left alone. */
const LEAST_SIZE = 0.5;
const LARGEST_FACTOR = 10;
const FEWEST_BATCHES = 50;

/**
 * Evens out the ranges of channels between layers (spacemit.md 8.5): where a factor per channel can be moved from a filter's
 * outputs to the inputs of the next one, ten rounds move 1 / √(up / down). From level 1 on, up counts the activations, too.
 *
 * The original measures activations again in each round. They are positively homogeneous in the moved factor, so that one
 * measurement and the factors themselves give the same numbers.
 */
export async function equalize(graph: Graph, request: EqualizationRequest): Promise<Graph> {
  const { level, limit, emit } = request;
  const pairs = equalizationPairs(graph, level, limit);
  if (pairs.length === 0) return graph;
  const weights = new Map(graph.weights);
  const largest = level >= 1 ? await measureChannels(graph, pairs, request) : new Map<string, Float64Array>();
  for (let round = 0; round < ITERATIONS; round++) {
    for (const pair of pairs) move(pair, weights, largest);
    emit({ type: 'progress', task: 'Layerwise Equalization', done: round + 1, total: ITERATIONS });
  }
  return { ...graph, weights };
}

/** Largest magnitude of every output channel of the upstream operators, over random batches. */
async function measureChannels(
  graph: Graph,
  pairs: readonly EqualizationPair[],
  { data, seed }: EqualizationRequest,
): Promise<Map<string, Float64Array>> {
  const names = new Set(pairs.flatMap(({ upstream }) => upstream.map(({ name }) => name)));
  const batches = Math.min(data.length, Math.max(Math.trunc(data.length / ITERATIONS), FEWEST_BATCHES));
  const order = new SeededRandom(seed).shuffled(data.length).slice(0, batches);
  const largest = new Map<string, Float64Array>();
  const session = await createSession(graph, { nonFinite: 'allow' });
  try {
    for (const i of order) {
      session.run(await data.batch(i), (name, pointer, length) => {
        if (!names.has(name)) return;
        const [rows, channels, ...inner] = graph.values.get(name)!.shape as [number, number, ...number[]];
        const size = inner.reduce((product, dim) => product * dim, 1);
        const values = new Float32Array(session.kernels.memory.buffer, pointer, length);
        const sizes = largest.get(name) ?? new Float64Array(channels);
        for (let at = 0; at < rows * channels * size; at++) {
          const c = Math.floor(at / size) % channels;
          const magnitude = Math.abs(values[at]!);
          if (magnitude > sizes[c]!) sizes[c] = magnitude;
        }
        largest.set(name, sizes);
      });
    }
  } finally {
    session.dispose();
  }
  return largest;
}

function move(
  { upstream, downstream }: EqualizationPair,
  weights: Map<string, Weight>,
  largest: ReadonlyMap<string, Float64Array>,
): void {
  const up = reduceMax(upstream.map((op) => upstreamSizes(op, weights, largest.get(op.name))));
  const down = reduceMax(downstream.map((op) => channelSizes(op, weights, inputChannels)));
  if (up.length !== down.length) return;
  const factors = up.map((size, c) => {
    if (size + down[c]! < LEAST_SIZE) return 1;
    return Math.min(LARGEST_FACTOR, Math.max(1 / LARGEST_FACTOR, 1 / Math.sqrt(size / down[c]!)));
  });
  if (!factors.every((factor) => Number.isFinite(factor))) return;
  for (const op of upstream) {
    scale(op.inputs[1]!, outputChannels(op, weights.get(op.inputs[1]!)!.type.shape), factors, weights);
    if (op.inputs[2] != null) scale(op.inputs[2], undefined, factors, weights);
    largest.get(op.name)?.forEach((size, c, sizes) => {
      sizes[c] = size * factors[c]!;
    });
  }
  const inverse = factors.map((factor) => 1 / factor);
  for (const op of downstream) {
    scale(op.inputs[1]!, inputChannels(op, weights.get(op.inputs[1]!)!.type.shape), inverse, weights);
  }
}

type Channels = (op: Computing, shape: readonly number[]) => Uint32Array;

/** Largest magnitude of a filter per channel. */
function channelSizes(op: Computing, weights: ReadonlyMap<string, Weight>, channelsOf: Channels): Float64Array {
  const { type, data } = weights.get(op.inputs[1]!)!;
  const channels = channelsOf(op, type.shape);
  const sizes = new Float64Array(channels.reduce((a, b) => Math.max(a, b), 0) + 1);
  for (let i = 0; i < channels.length; i++) {
    const magnitude = Math.abs(Number(data[i]));
    if (magnitude > sizes[channels[i]!]!) sizes[channels[i]!] = magnitude;
  }
  return sizes;
}

function upstreamSizes(
  op: Computing,
  weights: ReadonlyMap<string, Weight>,
  activations: Float64Array | undefined,
): Float64Array {
  const bias = op.inputs[2] == null ? undefined : weights.get(op.inputs[2])!.data;
  return channelSizes(op, weights, outputChannels).map((size, c) =>
    Math.max(size, SIDE_WEIGHT * Math.abs(Number(bias?.[c] ?? 0)), SIDE_WEIGHT * (activations?.[c] ?? 0)),
  );
}

function reduceMax(sizes: readonly Float64Array[]): Float64Array {
  return sizes.reduce((all, own) => all.map((size, c) => Math.max(size, own[c] ?? Number.NaN)));
}

function scale(
  name: string,
  channels: Uint32Array | undefined,
  factors: Float64Array,
  weights: Map<string, Weight>,
): void {
  const weight = weights.get(name)!;
  const data = (weight.data as Float32Array).map(
    (value, i) => value * factors[channels === undefined ? i : channels[i]!]!,
  );
  weights.set(name, { type: weight.type, data });
}
