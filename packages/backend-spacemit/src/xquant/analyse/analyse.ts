import { type Emit, elementCount, type Graph, type Op, typeOf } from '@q/ir';
import { createSession, type Session } from '@q/runtime';
import type { Dispatch } from '../../dispatch.ts';
import { PASSIVE } from '../../operators.ts';
import type { CalibrationData } from '../data/calibration-data.ts';
import { SeededRandom } from '../seeded-random.ts';
import { ChannelErrors } from './channel-errors.ts';
import { ErrorSums } from './error-sums.ts';
import { channelsOf } from './output-channels.ts';

/** One tensor of the report (spacemit.md 11). */
export interface TensorReport {
  /** Operator that the row stands under, `name[type]`. */
  readonly op: string;
  readonly tensor: string;
  readonly isConstant: boolean;
  /** Noise-to-signal ratio, less is better. */
  readonly snr: number;
  readonly mse: number;
  readonly cosine: number;
  readonly quantizedRange: readonly [number, number];
  readonly floatRange: readonly [number, number];
  /** 32 equal bins over the float range. */
  readonly floatHistogram: readonly number[];
}

/** How far a network output is from its float value, all its elements counted. */
export interface OutputReport {
  readonly tensor: string;
  /** Of all analysed batches as one. */
  readonly snr: number;
  /** Mean over the analysed batches; of all batches as one where the output is a single number, whose cosine says nothing. */
  readonly cosine: number;
  /** Part of it that is lost, 0 … 1: noise over the variance of each channel, mean over the channels that vary. */
  readonly lost: number;
}

export interface Analysis {
  readonly rows: readonly TensorReport[];
  /** In the network's order. */
  readonly outputs: readonly OutputReport[];
  /** The batches that were looked at. */
  readonly batches: readonly number[];
}

export interface AnalysisRequest {
  /** Float network (equalized, biases uncorrected). */
  readonly graph: Graph;
  /** The same with pairs; values keep their names. */
  readonly quantized: Graph;
  readonly chosen: Dispatch;
  readonly data: CalibrationData;
  readonly seed: number;
  /** How nodes and tensors are called in the file. */
  readonly names: { node(op: Op): string; type(op: Op): string; tensor(value: string): string };
  readonly emit: Emit;
}

/** The vendor's limit is 16 and off by one. */
const MOST_SAMPLES = 17;
const POSITIONS = 2048;
const HISTOGRAM_BINS = 32;

/** Compares the float and the quantized network tensor by tensor, on at most 17 batches at 2048 random positions each. */
export async function analyse(request: AnalysisRequest): Promise<Analysis> {
  const { graph, quantized, chosen, data, seed } = request;
  const random = new SeededRandom(seed);
  const order = random.shuffled(data.length).slice(0, MOST_SAMPLES);
  const tensors = tensorsOf(graph, chosen);
  const positions = new Map(
    [...tensors].map(([name]) => {
      const type = graph.values.get(name) ?? graph.weights.get(name)!.type;
      const count = elementCount(type.shape);
      return [name, Uint32Array.from({ length: POSITIONS }, () => random.below(count))] as const;
    }),
  );
  const [float, floatOutputs] = await sample(graph, order, positions, request, 'Analysing Dequantized');
  const [codes, codedOutputs] = await sample(quantized, order, positions, request, 'Analysing Quantized');
  const rows: TensorReport[] = [];
  for (const [name, op] of tensors) {
    const [f, q] = [float.get(name), codes.get(name)];
    if (f === undefined || q === undefined) continue;
    rows.push({
      op: `${request.names.node(op)}[${request.names.type(op)}]`,
      tensor: request.names.tensor(name),
      isConstant: graph.weights.has(name),
      ...compare(f, q),
      quantizedRange: extremes(q),
      floatRange: extremes(f),
      floatHistogram: histogram(f),
    });
  }
  const outputs = graph.outputs.map((name, o) => {
    const [whole, cosines] = [new ErrorSums(), [] as number[]];
    const channels = new ChannelErrors(channelsOf(typeOf(graph, name)!.shape));
    floatOutputs.forEach((batch, k) => {
      channels.add(batch[o]!, codedOutputs[k]![o]!);
      whole.add(batch[o]!, codedOutputs[k]![o]!);
      cosines.push(new ErrorSums().add(batch[o]!, codedOutputs[k]![o]!).cosine);
    });
    const mean = cosines.reduce((sum, own) => sum + own, 0) / cosines.length;
    const cosine = elementCount(typeOf(graph, name)!.shape) === 1 ? whole.cosine : mean;
    return { tensor: request.names.tensor(name), snr: whole.snr, cosine, lost: channels.lost };
  });
  return { rows: sorted(rows, tensors, graph, request), outputs, batches: order };
}

/** Every tensor of a quantized operator that is not passive, under the first operator that touches it. */
function tensorsOf(graph: Graph, chosen: Dispatch): Map<string, Op> {
  const tensors = new Map<string, Op>();
  for (const op of graph.ops) {
    if (!chosen.has(op) || PASSIVE.has(op.type)) continue;
    for (const name of [...op.inputs, ...op.outputs]) {
      if (name === null || tensors.has(name)) continue;
      const data = graph.weights.get(name)?.data;
      if (data === undefined || data instanceof Float32Array) tensors.set(name, op);
    }
  }
  return tensors;
}

type Positions = ReadonlyMap<string, Uint32Array>;

async function sample(
  graph: Graph,
  order: readonly number[],
  positions: Positions,
  { data, emit }: AnalysisRequest,
  task: string,
): Promise<[Map<string, Float32Array>, ArrayLike<number>[][]]> {
  const session = await createSession(graph, { nonFinite: 'allow' });
  const found = new Map<string, Float32Array>();
  const outputs: ArrayLike<number>[][] = [];
  try {
    for (const [k, i] of order.entries()) {
      const results = session.run(await data.batch(i), (name, pointer, length) => {
        const at = positions.get(name);
        if (at === undefined) return;
        const values = new Float32Array(session.kernels.memory.buffer, pointer, length);
        const all = found.get(name) ?? new Float32Array(order.length * POSITIONS);
        at.forEach((position, j) => {
          all[k * POSITIONS + j] = values[position]!;
        });
        found.set(name, all);
      });
      outputs.push(graph.outputs.map((name) => results.get(name)!));
      emit({ type: 'progress', task, done: k + 1, total: order.length });
    }
    for (const [name, at] of positions) if (!found.has(name)) sampleConstant(graph, session, name, at, found);
  } finally {
    session.dispose();
  }
  return [found, outputs];
}

/** A constant: its own data, or what the DequantizeLinear in front of its readers gives. */
function sampleConstant(
  graph: Graph,
  session: Session,
  name: string,
  at: Uint32Array,
  found: Map<string, Float32Array>,
): void {
  const weight = graph.weights.get(name);
  if (weight === undefined) return;
  const reader = graph.ops.find((op) => op.type === 'top.DequantizeLinear' && op.inputs[0] === name);
  const values = reader === undefined ? weight.data : session.runOp(reader.name, new Map()).get(reader.name);
  if (values === undefined || values.length === 0) return;
  found.set(
    name,
    Float32Array.from(at, (position) => Number(values[position])),
  );
}

/** The report's three figures of one tensor. */
export function compare(f: Float32Array, q: Float32Array): { snr: number; mse: number; cosine: number } {
  const { snr, mse, cosine } = new ErrorSums().add(f, q);
  return { snr, mse, cosine };
}

function extremes(values: Float32Array): [number, number] {
  let [min, max] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const value of values) {
    if (value < min) min = value;
    if (value > max) max = value;
  }
  return [min, max];
}

function histogram(values: Float32Array): number[] {
  const [min, max] = extremes(values);
  const counts = new Array<number>(HISTOGRAM_BINS).fill(0);
  const width = max - min || 1;
  for (const value of values)
    counts[Math.min(HISTOGRAM_BINS - 1, Math.floor(((value - min) / width) * HISTOGRAM_BINS))]!++;
  return counts;
}

/** Operators by their worst output, the worst first; inputs before outputs within one. */
function sorted(
  rows: readonly TensorReport[],
  tensors: ReadonlyMap<string, Op>,
  graph: Graph,
  { names }: AnalysisRequest,
): TensorReport[] {
  const snr = new Map(rows.map((row) => [row.tensor, row.snr]));
  const groups = new Map<string, { rows: TensorReport[]; worst: number }>();
  const opOf = new Map([...tensors].map(([name, op]) => [names.tensor(name), op]));
  for (const row of rows) {
    const op = opOf.get(row.tensor)!;
    const group = groups.get(row.op) ?? { rows: [], worst: worstOutput(op, graph, snr, names) };
    group.rows.push(row);
    groups.set(row.op, group);
  }
  return [...groups.values()].sort((a, b) => b.worst - a.worst).flatMap((group) => group.rows);
}

function worstOutput(
  op: Op,
  graph: Graph,
  snr: ReadonlyMap<string, number>,
  { tensor }: AnalysisRequest['names'],
): number {
  const outputs = op.outputs.filter((name): name is string => name !== null && graph.values.has(name));
  return Math.max(
    Number.NEGATIVE_INFINITY,
    ...outputs.map((name) => snr.get(tensor(name)) ?? Number.NEGATIVE_INFINITY),
  );
}
