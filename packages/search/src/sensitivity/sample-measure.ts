import { signalNoiseScore } from '../loss-table/signal-noise-score.ts';
import type { OutputTensors } from '../output-comparison.ts';
import { type SampleScore, signalScore, similarityScore } from './sample-score.ts';

/** What a candidate is measured by on one sample: numbers, always as many, the first of which is its score. */
export type SampleMeasure = (reference: OutputTensors, candidate: OutputTensors, sample?: number) => readonly number[];

/**
 * Measures by a name, so that workers can be told (search.md 1): the likeness, with it 1 − noise over signal, or the signal to noise in
 * dB of 2022.
 */
export type MeasureName = 'likeness' | 'likeness-and-signal' | 'decibels';

/** @param score instead of the likeness */
export function measureOf(name: MeasureName, score: SampleScore = similarityScore()): SampleMeasure {
  if (name === 'likeness') return scoreAlone(score);
  if (name === 'decibels') return scoreAlone(signalNoiseScore());
  const signal = signalScore();
  return (reference, candidate, sample) => [score(reference, candidate, sample), signal(reference, candidate, sample)];
}

export function scoreAlone(score: SampleScore): SampleMeasure {
  return (reference, candidate, sample) => [score(reference, candidate, sample)];
}
