import type { Dataset } from '@q/dataset';
import { type Emit, type Graph, typeOf } from '@q/ir';
import { createSession } from '@q/runtime';
import { samplesAhead } from '../sample-source.ts';
import { type ChannelMaxima, equalizablePairs, equalizeWeights } from './weight-equalization.ts';

/** What the reach of channels is measured on. */
export interface LimitedEqualizationJob {
  readonly graph: Graph;
  readonly dataset: Dataset;
  readonly sampleCount: number;
  readonly emit?: Emit;
}

/**
 * Cross-layer equalization that keeps the function of networks with ReLU6, which TPU-MLIR's does not: a channel between two
 * Convs grows no further than to the bound of its relu, and one that reaches the bound on the samples stays as it is.
 */
export async function equalizeWithinLimits(job: LimitedEqualizationJob): Promise<Graph> {
  return equalizeWeights(job.graph, job.emit, await measureMaxima(job));
}

async function measureMaxima({
  graph,
  dataset,
  sampleCount,
  emit = () => {},
}: LimitedEqualizationJob): Promise<ChannelMaxima> {
  const limited = equalizablePairs(graph).filter(([{ attributes }]) => attributes.doRelu && attributes.reluLimit > 0);
  const maxima = new Map(limited.map(([{ name }]) => [name, new Float32Array(typeOf(graph, name)!.shape[1]!)]));
  if (maxima.size === 0) return maxima;
  const session = await createSession(graph, { nonFinite: 'allow' });
  try {
    for await (const { i, feeds } of samplesAhead(dataset, sampleCount)) {
      session.run(feeds, (name, pointer, length) => {
        const own = maxima.get(name);
        if (own !== undefined)
          raise(own, new Float32Array(session.kernels.memory.buffer, pointer, length), graph, name);
      });
      emit({ type: 'progress', task: 'channel ranges', done: i + 1, total: sampleCount, label: `sample: ${i}` });
    }
  } finally {
    session.dispose();
  }
  return maxima;
}

function raise(maxima: Float32Array, data: Float32Array, graph: Graph, name: string): void {
  const size = typeOf(graph, name)!
    .shape.slice(2)
    .reduce((product, dim) => product * dim, 1);
  for (let i = 0; i < data.length; i++) {
    const c = Math.floor(i / size) % maxima.length;
    if (data[i]! > maxima[c]!) maxima[c] = data[i]!;
  }
}
