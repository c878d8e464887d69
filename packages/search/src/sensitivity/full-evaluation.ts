import type { Graph } from '@q/ir';
import { createSession } from '@q/runtime';
import type { OutputTensors } from '../output-comparison.ts';
import { comparedNames, realsOf, type SampleScore, similarityScore } from './sample-score.ts';
import type { SearchSamples } from './samples.ts';

export interface FullEvaluation {
  readonly samples: SearchSamples;
  /** What the float reference answers per sample, from `referenceOutputs`. */
  readonly reference: readonly OutputTensors[];
  readonly score?: SampleScore;
  /** Layers to compare instead of the outputs; both networks must have values of these names. */
  readonly compared?: readonly string[];
  /** Called before every sample; what it throws ends the evaluation. */
  readonly checkpoint?: () => void;
}

/** Runs whole networks, one after the other: the definition of what a candidate scores. Answers its score per sample. */
export async function evaluateInFull(candidate: Graph, evaluation: FullEvaluation): Promise<Float64Array> {
  const { samples, reference, score = similarityScore(), compared, checkpoint } = evaluation;
  const names = comparedNames(candidate, compared);
  const session = await createSession(candidate, { retain: names, nonFinite: 'allow' });
  const scores = new Float64Array(samples.length);
  try {
    for (let index = 0; index < samples.length; index++) {
      checkpoint?.();
      session.run(await samples.sample(index));
      scores[index] = score(
        reference[index]!,
        realsOf(names, (name) => session.slot(name)),
        index,
      );
    }
  } finally {
    session.dispose();
  }
  return scores;
}

/** Copies of what a network answers per sample. */
export async function referenceOutputs(
  network: Graph,
  samples: SearchSamples,
  compared?: readonly string[],
  checkpoint?: () => void,
): Promise<readonly OutputTensors[]> {
  const names = comparedNames(network, compared);
  const session = await createSession(network, { retain: names, nonFinite: 'allow' });
  const outputs: OutputTensors[] = [];
  try {
    for (let index = 0; index < samples.length; index++) {
      checkpoint?.();
      session.run(await samples.sample(index));
      const reals = realsOf(names, (name) => session.slot(name));
      outputs.push(reals.map(({ name, data }) => ({ name, data: Float32Array.from(data) })));
    }
  } finally {
    session.dispose();
  }
  return outputs;
}
