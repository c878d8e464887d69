import type { NetworkOutput } from '@q/evaluate';
import { dequantize, type Emit, type Graph, inputsOf, type Tensor, type TypedArray, typeOf } from '@q/ir';
import { createSession, type Session } from '@q/runtime';
import { type OutputAgreement, OutputComparison } from '@q/search';
import { feedsOf } from '../network/run-network.ts';
import type { EvaluatedNetwork } from './evaluate-networks.ts';
import type { SampleSet } from './evaluate-samples.ts';
import type { EvaluationTask, Figure } from './evaluate-task.ts';

export interface NetworkResult {
  readonly name: string;
  readonly figures: readonly Figure[];
  /** Agreement of each output with the first network's; absent for the first. */
  readonly agreement?: readonly OutputAgreement[];
  readonly meanMs: number;
}

export interface EvaluationRun {
  readonly networks: readonly EvaluatedNetwork[];
  readonly samples: SampleSet;
  readonly task: EvaluationTask;
  readonly emit: Emit;
}

/** Runs every network on every sample. */
export async function runEvaluation({ networks, samples, task, emit }: EvaluationRun): Promise<NetworkResult[]> {
  const counters = networks.map(({ graph }) => task.counter(graph));
  const sessions: Session[] = [];
  const comparisons = networks.map(() => new OutputComparison());
  const milliseconds = networks.map(() => 0);
  const first = networks[0]!.graph;
  try {
    for (const { graph } of networks) sessions.push(await createSession(graph));
    for (let sample = 0; sample < samples.length; sample++) {
      const feeds = await samples.feeds(sample);
      let reference: NetworkOutput[] | undefined;
      for (const [index, { graph }] of networks.entries()) {
        const started = performance.now();
        const outputs = runOnce(sessions[index]!, graph, renamed(feeds, first, graph));
        milliseconds[index]! += performance.now() - started;
        counters[index]!.add(sample, outputs);
        if (reference !== undefined) comparisons[index]!.add(reference, outputs);
        reference ??= outputs;
      }
      emit({ type: 'progress', task: 'evaluate', done: sample + 1, total: samples.length });
    }
  } finally {
    for (const session of sessions) session.dispose();
  }
  return networks.map(({ name }, index) => ({
    name,
    figures: counters[index]!.result(),
    ...(index === 0 ? {} : { agreement: comparisons[index]!.result() }),
    meanMs: milliseconds[index]! / samples.length,
  }));
}

/** The outputs of one run as real numbers. */
export function runOnce(session: Session, graph: Graph, feeds: ReadonlyMap<string, TypedArray>): NetworkOutput[] {
  const results = session.run(feeds);
  return graph.outputs.map((name) => {
    const type = typeOf(graph, name)!;
    return { name, shape: type.shape, data: dequantize(results.get(name) as TypedArray, type) };
  });
}

/** Inputs of networks that were made from one another may be called otherwise; their order is the same. */
function renamed(feeds: ReadonlyMap<string, Float32Array>, from: Graph, to: Graph): ReadonlyMap<string, TypedArray> {
  const names = inputsOf(from);
  const tensors = inputsOf(to).map(({ name }, index): [string, Tensor] => {
    const given = feeds.get(name) ?? feeds.get(names[index]?.name ?? name)!;
    return [name, { shape: typeOf(to, name)!.shape, dtype: 'f32', data: given }];
  });
  return feedsOf(to, new Map(tensors));
}
