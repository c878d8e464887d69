import { percentileRanks } from '@q/calib';
import type { Emit, Graph } from '@q/ir';
import { createSession, type Session } from '@q/runtime';
import type { Int8Parameters } from '../../parameters.ts';
import { type BlockGraph, blockGraph, blocksOf } from '../calibrate/blocks.ts';
import type { CalibrationData } from '../data/calibration-data.ts';
import { blockWithPairs, codedIn, type StaticModel, withQuantizedConstants } from '../static-model.ts';
import { type Computing, isComputing } from './equalization-pairs.ts';

export interface BiasCorrectionRequest {
  readonly model: StaticModel;
  readonly parameters: ReadonlyMap<string, Int8Parameters>;
  readonly data: CalibrationData;
  /** `xslim`: against the network with quantized weights, so that only activations' errors are corrected. */
  readonly mode: 'xslim' | 'full';
  readonly emit: Emit;
}

/** Batches between these percentiles count. */
const PERCENTILE = 0.999;

/**
 * Moves biases by what quantized activations shift the mean of each output channel (spacemit.md 8.6). Block by block: the block
 * runs once with float and once with quantized activations on the same, unquantized inputs; both sides are averaged over
 * batches, extremes left out.
 */
export async function correctBiases(request: BiasCorrectionRequest): Promise<Graph> {
  const { model, mode } = request;
  const { graph, chosen } = model;
  const ops = graph.ops.filter(
    (op): op is Computing => chosen.has(op) && isComputing(op, graph) && op.inputs[2] != null,
  );
  if (ops.length === 0) return graph;
  const reference = mode === 'full' ? graph : withQuantizedConstants(model);
  const blocks = blocksOf(graph).filter((block) => block.ops.some((op) => ops.includes(op as Computing)));
  const means = await collectMeans(
    request,
    reference,
    blocks.map((block) => blockGraph(graph, block)),
    ops,
  );
  const weights = new Map(graph.weights);
  for (const op of ops) {
    const [float, quantized] = [means.float.get(op.name)!, means.quantized.get(op.name)!];
    const { type, data } = weights.get(op.inputs[2]!)!;
    const corrected = (data as Float32Array).map(
      (value, c) => value + (trimmedMean(float, c) - trimmedMean(quantized, c)),
    );
    weights.set(op.inputs[2]!, { type, data: corrected });
  }
  return { ...graph, weights };
}

/** Per operator and batch, the mean of each output channel. */
type Means = Map<string, Float64Array[]>;

async function collectMeans(
  { model, parameters, data, emit }: BiasCorrectionRequest,
  reference: Graph,
  blocks: readonly BlockGraph[],
  ops: readonly Computing[],
): Promise<{ float: Means; quantized: Means }> {
  const names = new Set(ops.map(({ name }) => name));
  const inputs = new Set(blocks.flatMap((block) => block.inputs));
  const result = { float: new Map() as Means, quantized: new Map() as Means };
  const session = await createSession(reference, { nonFinite: 'allow' });
  const sessions: Session[] = [];
  const coded = codedIn(model, parameters);
  for (const { graph } of blocks) {
    sessions.push(await createSession(blockWithPairs(graph, model, parameters, coded), { nonFinite: 'allow' }));
  }
  try {
    for (let i = 0; i < data.length; i++) {
      const seen = new Map<string, Float32Array>();
      session.run(await data.batch(i), (name, pointer, length) => {
        const values = new Float32Array(session.kernels.memory.buffer, pointer, length);
        if (inputs.has(name)) seen.set(name, values.slice());
        if (names.has(name)) push(result.float, name, channelMeans(values, model.graph.values.get(name)!.shape));
      });
      blocks.forEach((block, b) => {
        const feeds = new Map(block.inputs.map((name) => [name, seen.get(name)!]));
        const own = sessions[b]!;
        own.run(feeds, (name, pointer, length) => {
          // An output with codes of its own counts with their error; one in front of its Relu has none.
          if (!names.has(name)) return;
          const values = new Float32Array(own.kernels.memory.buffer, pointer, length);
          push(result.quantized, name, channelMeans(values, model.graph.values.get(name)!.shape));
        });
      });
      emit({ type: 'progress', task: 'Bias correction', done: i + 1, total: data.length });
    }
  } finally {
    for (const open of [session, ...sessions]) open.dispose();
  }
  return result;
}

function push(means: Means, name: string, own: Float64Array): void {
  const list = means.get(name);
  if (list === undefined) means.set(name, [own]);
  else list.push(own);
}

/** Mean over everything but dimension 1. */
function channelMeans(values: Float32Array, shape: readonly number[]): Float64Array {
  const channels = shape[1]!;
  const inner = shape.slice(2).reduce((product, dim) => product * dim, 1);
  const sums = new Float64Array(channels);
  for (let at = 0, row = 0; at < values.length; row++) {
    const c = row % channels;
    for (let k = 0; k < inner; k++) sums[c]! += values[at++]!;
  }
  return sums.map((sum) => sum / (values.length / channels));
}

/** Mean of one channel over the batches between its outer percentiles. */
export function trimmedMean(batches: readonly Float64Array[], channel: number): number {
  const values = batches.map((means) => means[channel]!).sort((a, b) => a - b);
  const { low, high } = percentileRanks(values.length, PERCENTILE);
  const kept = values.filter((value) => value >= values[low - 1]! && value <= values[high - 1]!);
  return kept.reduce((sum, value) => sum + value, 0) / kept.length;
}
