import type { SearchThresholdOutcome } from '../sensitivity/search-threshold.ts';
import { pythonFloat } from '../tensor-match.ts';
import { pythonList, pythonNumbers } from './python-text.ts';
import { logged, type ReportLine, shown } from './report-line.ts';

export interface SearchThresholdFacts {
  readonly mlirFile: string;
  readonly benchmark: 'cos' | 'snr';
}

/** The lines of `search_threshold`. All but the first are in the log file only (search.md 4.2). */
export function searchThresholdReport(outcome: SearchThresholdOutcome, facts: SearchThresholdFacts): ReportLine[] {
  const { mlirFile, benchmark } = facts;
  const { scores, best } = outcome;
  const bestScore = scores.find(({ method }) => method === best.method)!.score;
  return [
    ...shown(thresholdMethodsLine(scores.map(({ method }) => method))),
    ...logged(
      `run float mode: ${mlirFile}`,
      ...scores.map(() => `run int8 mode: ${mlirFile}`),
      `${benchmark} similarity scores: ${pythonNumbers(scores.map(({ method, score }) => [method, score]))}`,
      `optimal_method_name: ${best.method}, optimal_value: ${pythonFloat(bestScore)}`,
      'success',
    ),
  ];
}

export function thresholdMethodsLine(methods: readonly string[]): string {
  return `Quantization threshold calculation method: ${pythonList(methods)}`;
}
