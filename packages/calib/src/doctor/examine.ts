import type { Dataset } from '@q/dataset';
import type { Graph } from '@q/ir';
import { examineActivations } from './activations.ts';
import type { Finding } from './finding.ts';
import { examineSamples } from './samples.ts';
import { examineSettings } from './settings.ts';
import { examineWeights } from './weights.ts';

export interface Examination {
  readonly graph: Graph;
  readonly dataset: Dataset;
  /** The processor has one weight scale per tensor, so that the spread of channels matters. */
  readonly perTensorWeights?: boolean;
  /** Samples to read, default 16. */
  readonly samples?: number;
  /** Samples to run, default 4. */
  readonly runs?: number;
}

/**
 * Looks for the usual mistakes before a calibration spends its time: channel order, scale, samples that do not decode or
 * occur twice or are too few, dead and exploding channels, layers without a range, weights of very different size. Cheap, and
 * never a refusal.
 */
export async function examine(examination: Examination): Promise<Finding[]> {
  const { graph, dataset, perTensorWeights = false, samples = 16, runs = 4 } = examination;
  const read = await examineSamples(graph, dataset, samples);
  return [
    ...examineSettings(graph),
    ...read.findings,
    ...(await examineActivations(graph, read.feeds.slice(0, runs))),
    ...(perTensorWeights ? examineWeights(graph) : []),
  ];
}
