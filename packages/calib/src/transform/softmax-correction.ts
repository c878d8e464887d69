import type { Dataset } from '@q/dataset';
import { type Emit, type Graph, type Op, typeOf } from '@q/ir';
import { createSession } from '@q/runtime';
import { sampleName, samplesAhead } from '../sample-source.ts';
import { reportSample } from '../statistics/collect.ts';
import type { Choice } from '../thresholds/method.ts';
import { insertMul } from './insert-mul.ts';

/** What probabilities are measured on. */
export interface SoftmaxCorrectionJob {
  readonly graph: Graph;
  readonly dataset: Dataset;
  readonly sampleCount: number;
  readonly emit?: Emit;
}

export interface SoftmaxCorrection {
  /** With a Mul behind every corrected Softmax, and one behind the product that reads it. */
  readonly graph: Graph;
  /** Softmaxes that were corrected. */
  readonly corrected: readonly string[];
  /** Ranges that calibration is to take for the inserted layers. */
  readonly fixed: ReadonlyMap<string, Choice>;
}

/** A Softmax and the product of activations that alone reads it. */
interface Attention {
  readonly softmax: string;
  readonly product: string;
}

/**
 * Spreads the probabilities of attention over the codes (calibration.md 12, `--smc`): each head is divided by its mean largest
 * probability before the product with the values, and multiplied by it afterwards. The network computes the same.
 */
export async function correctSoftmax(job: SoftmaxCorrectionJob): Promise<SoftmaxCorrection> {
  const { graph } = job;
  const attentions = graph.ops.flatMap((op) => attentionAt(graph, op));
  if (attentions.length === 0) return { graph, corrected: [], fixed: new Map() };
  attentions.forEach(({ softmax }, i) => {
    job.emit?.({ type: 'line', text: `correct softmax op ${i} ${softmax}` });
  });
  const scales = await measureScales(job, attentions);
  let corrected = graph;
  for (const attention of attentions) corrected = insertScales(corrected, attention, scales.get(attention.softmax)!);
  return {
    graph: corrected,
    corrected: attentions.map(({ softmax }) => softmax),
    fixed: new Map(attentions.map(({ softmax }) => [inverseName(softmax), { threshold: 1, min: 0, max: 1 }])),
  };
}

const inverseName = (softmax: string): string => `${softmax}_Smc_Inv_Mul`;
const scaleName = (product: string): string => `${product}_Smc_Mul`;

function attentionAt(graph: Graph, op: Op): Attention[] {
  if (op.type !== 'top.Softmax') return [];
  const [reader, ...others] = graph.ops.filter(({ inputs }) => inputs.includes(op.name));
  const rank = typeOf(graph, op.name)!.shape.length;
  const fits = reader?.type === 'top.MatMul' && others.length === 0 && reader.inputs[0] === op.name;
  if (!fits || rank < 3 || rank > 4 || graph.weights.has(reader.inputs[1] ?? '')) return [];
  // The name of a network output is what users ask for: it stays with its layer.
  return graph.outputs.includes(reader.name) ? [] : [{ softmax: op.name, product: reader.name }];
}

/** Mean over the samples of the largest probability of each row, then over all rows of a head. */
async function measureScales(
  { graph, dataset, sampleCount, emit = () => {} }: SoftmaxCorrectionJob,
  attentions: readonly Attention[],
): Promise<Map<string, Float64Array>> {
  const sums = new Map(
    attentions.map(({ softmax }) => [softmax, new Float64Array(headsOf(graph, softmax).heads)] as const),
  );
  const session = await createSession(graph, { nonFinite: 'allow' });
  try {
    for await (const { i, feeds } of samplesAhead(dataset, sampleCount)) {
      session.run(feeds, (name, pointer, length) => {
        const own = sums.get(name);
        if (own === undefined) return;
        const data = new Float32Array(session.kernels.memory.buffer, pointer, length);
        addRowMaxima(own, data, headsOf(graph, name));
      });
      reportSample(emit, `softmax correction (${sampleName(dataset, i)})`, i, sampleCount);
    }
  } finally {
    session.dispose();
  }
  for (const [name, own] of sums) {
    const { heads, row } = headsOf(graph, name);
    const rows = typeOf(graph, name)!.shape.reduce((product, dim) => product * dim, 1) / row / heads;
    own.forEach((sum, head) => {
      own[head] = sum / (rows * sampleCount);
    });
  }
  return sums;
}

interface Heads {
  readonly heads: number;
  /** Elements of one head of one image. */
  readonly size: number;
  /** Elements of the last axis. */
  readonly row: number;
}

function headsOf(graph: Graph, name: string): Heads {
  const shape = typeOf(graph, name)!.shape;
  const axis = shape.length === 3 ? 0 : 1;
  const size = shape.slice(axis + 1).reduce((product, dim) => product * dim, 1);
  return { heads: shape[axis]!, size, row: shape.at(-1)! };
}

function addRowMaxima(sums: Float64Array, data: Float32Array, { heads, size, row }: Heads): void {
  for (let from = 0; from < data.length; from += row) {
    let most = Number.NEGATIVE_INFINITY;
    for (let i = from; i < from + row; i++) most = Math.max(most, data[i]!);
    sums[Math.floor(from / size) % heads]! += most;
  }
}

function insertScales(graph: Graph, { softmax, product }: Attention, scales: Float64Array): Graph {
  const shapeOf = (name: string): number[] => {
    const { shape } = typeOf(graph, name)!;
    return shape.map((dim, axis) => (axis === (shape.length === 3 ? 0 : 1) ? dim : 1));
  };
  const inverted = insertMul(graph, {
    after: softmax,
    name: inverseName(softmax),
    weightName: `${softmax}_Smc_Inv_Weight`,
    shape: shapeOf(softmax),
    factors: Float32Array.from(scales, (scale) => 1 / Math.fround(scale)),
  });
  return insertMul(inverted, {
    after: product,
    name: scaleName(product),
    weightName: `${softmax}_Smc_Weight`,
    shape: shapeOf(product),
    factors: Float32Array.from(scales),
  });
}
