import type { Graph } from '@q/ir';
import type { Feeds, WorkerTask } from '@q/runtime';
import { type MeasureName, measureOf } from '../sample-measure.ts';
import { type EvaluationCost, SuffixEvaluator } from '../suffix-evaluator.ts';
import { createLikenessTask, type LikenessMessage, type LikenessTaskInit } from './likeness-task.ts';
import { applyPatch, type NetworkPatch } from './network-patch.ts';
import { createQtableTask, type QtableMessage, type QtableReply, type QtableTaskInit } from './qtable-task.ts';

/** What every worker is started with. */
export interface SearchTaskInit {
  readonly base: Graph;
  readonly reference: NetworkPatch;
  readonly sampleCount: number;
  readonly measure: MeasureName;
  readonly compared: readonly string[] | undefined;
  readonly frontierBytes: number | undefined;
}

export interface SearchMessage {
  /** Absent: those of the message before. */
  readonly candidates?: readonly NetworkPatch[];
  readonly samples: readonly number[];
  /** Data of samples that this worker has not seen yet; it keeps them. */
  readonly feeds: ReadonlyMap<number, Feeds>;
}

export interface SearchReply {
  /** Per candidate, per sample: the numbers of the measure. */
  readonly measures: readonly (readonly (readonly number[])[])[];
  readonly cost: EvaluationCost;
}

type SearchWorkerTask =
  | WorkerTask<SearchMessage, SearchReply>
  | WorkerTask<QtableMessage, QtableReply>
  | WorkerTask<LikenessMessage, readonly Float64Array[]>;

/** What a worker does for searches, by what it is started with. */
export async function createTask(init: SearchTaskInit | QtableTaskInit | LikenessTaskInit): Promise<SearchWorkerTask> {
  if ('quantized' in init) return createLikenessTask(init);
  return 'int8' in init ? createQtableTask(init) : createScoringTask(init);
}

/** Measures candidates on the samples of one worker. */
async function createScoringTask(init: SearchTaskInit): Promise<WorkerTask<SearchMessage, SearchReply>> {
  const { base, sampleCount, measure, compared, frontierBytes } = init;
  const feeds = new Map<number, Feeds>();
  let candidates: readonly Graph[] = [];
  const evaluator = await SuffixEvaluator.open({
    base,
    reference: applyPatch(base, init.reference),
    samples: { length: sampleCount, sample: (index) => feeds.get(index)! },
    measure: measureOf(measure),
    ...(compared && { compared }),
    ...(frontierBytes !== undefined && { frontierBytes }),
  });
  return {
    async run(message) {
      for (const [sample, data] of message.feeds) feeds.set(sample, data);
      candidates = message.candidates?.map((patch) => applyPatch(base, patch)) ?? candidates;
      const measures = await evaluator.measures(candidates, message.samples);
      return { measures, cost: evaluator.cost };
    },
    dispose: () => evaluator.dispose(),
  };
}
