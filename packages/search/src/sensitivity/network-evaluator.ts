import type { Graph } from '@q/ir';
import type { NetworkScores } from './plan-scores.ts';
import { type MeasureName, measureOf } from './sample-measure.ts';
import type { SearchOptions } from './search-options.ts';
import { type EvaluationCost, SuffixEvaluator } from './suffix-evaluator.ts';
import { PooledNetworkScores } from './workers/pooled-network-scores.ts';

/** Scores networks in this thread or in workers: the same numbers. */
export interface NetworkEvaluator extends NetworkScores {
  /** All numbers of the measure: per candidate, per sample. */
  measures(candidates: readonly Graph[], samples?: readonly number[]): Promise<(readonly number[])[][]>;
  readonly cost: EvaluationCost;
  dispose(): void | Promise<void>;
}

export interface EvaluatedNetworks {
  /** What all candidates have most operators in common with. */
  readonly base: Graph;
  readonly reference: Graph;
  readonly checkpoint: () => void;
  /** Default: the score alone. */
  readonly measure?: MeasureName;
}

type EvaluationOptions = Pick<
  SearchOptions,
  'samples' | 'score' | 'compared' | 'frontierBytes' | 'workers' | 'spawnWorker'
>;

/** In workers, unless there are none or the metric is a function, which only this thread has. */
export async function openNetworks(
  options: EvaluationOptions,
  { measure = 'likeness', ...networks }: EvaluatedNetworks,
): Promise<NetworkEvaluator> {
  const { samples, score, compared, frontierBytes, workers = 1, spawnWorker: spawn } = options;
  const setup = { ...networks, samples };
  if (workers > 1 && score === undefined) {
    return PooledNetworkScores.open({ ...setup, measure, compared, frontierBytes, workers, spawn });
  }
  return SuffixEvaluator.open({
    ...setup,
    measure: measureOf(measure, score),
    ...(compared && { compared }),
    ...(frontierBytes !== undefined && { frontierBytes }),
  });
}
