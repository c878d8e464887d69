import { type Plan, QError, type ValueRange } from '@q/ir';
import { evaluateInFull } from './full-evaluation.ts';
import { againstFloat, noSamples } from './run-sensitive-layer.ts';
import { meanOf } from './sample-score.ts';
import type { SearchOptions } from './search-options.ts';

/** The calibration table of one method. */
export interface MethodTable {
  readonly method: string;
  readonly values: ReadonlyMap<string, ValueRange>;
}

/** `score` is `similarityScore()` (cos, default) or `signalScore()` (snr). */
export interface SearchThresholdOptions
  extends Pick<SearchOptions, 'target' | 'processor' | 'graph' | 'samples' | 'score' | 'compared' | 'emit'> {
  /** KL, MAX, Percentile9999 and MSE in the original; of equal scores the first counts. */
  readonly tables: readonly MethodTable[];
}

export interface SearchThresholdOutcome {
  /** In the order of the tables. */
  readonly scores: readonly { readonly method: string; readonly score: number }[];
  readonly best: MethodTable;
}

/**
 * `search_threshold` of TPU-MLIR (search.md 4.1): the whole network in INT8 with the table of each method.
 *
 * @throws QError `search.method-missing`, `search.samples-missing`.
 */
export async function searchThreshold(options: SearchThresholdOptions): Promise<SearchThresholdOutcome> {
  const { target, processor, graph, tables, samples, emit } = options;
  if (samples.length === 0) throw noSamples();
  const scores: { readonly method: string; readonly score: number }[] = [];
  let best: { readonly table: MethodTable; readonly score: number } | undefined;
  let runs = 0;
  const total = (tables.length + 1) * samples.length;
  const tell = (): void => {
    const label = best === undefined ? '' : `${best.table.method} ${best.score.toFixed(6)}`;
    emit?.({ type: 'progress', task: 'threshold', done: runs++, total, label });
  };
  const evaluation = { ...(await againstFloat(options, tell)), checkpoint: tell };
  for (const table of tables) {
    const plan: Plan = { processor, precision: 'INT8', asymmetric: false, ops: new Map(), values: table.values };
    const score = meanOf(await evaluateInFull(target.lower(graph, plan), evaluation));
    scores.push({ method: table.method, score });
    if (best === undefined || score > best.score) best = { table, score };
  }
  tell();
  if (best === undefined) throw new QError('There is no table to choose from.', { code: 'search.method-missing' });
  return { scores, best: best.table };
}
