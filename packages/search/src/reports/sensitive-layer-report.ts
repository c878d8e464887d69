import type { SensitiveLayerOutcome } from '../sensitivity/run-sensitive-layer.ts';
import { pythonFloat } from '../tensor-match.ts';
import { pickLines, trialLines } from './layer-lines.ts';
import { logged, type ReportLine, shown } from './report-line.ts';
import { resultLines, scoreLine, sufficientLine } from './result-lines.ts';
import { globalMetrics, type SearchFacts } from './search-qtable-report.ts';

export interface SensitiveLayerFacts extends SearchFacts {
  readonly maxFloatLayers: number;
}

/** The lines of `run_sensitive_layer` in the order of the original, up to the total time (search.md 9). */
export function sensitiveLayerReport(outcome: SensitiveLayerOutcome, facts: SensitiveLayerFacts): ReportLine[] {
  const { graph, mlirFile, expectedCos, maxFloatLayers: count } = facts;
  const start = logged(`run float mode: ${mlirFile}`, `run int8 mode: ${mlirFile}`);
  if (outcome.kind === 'sufficient') return [...start, ...shown(sufficientLine(outcome.int8Score, expectedCos))];
  const { int8Score, mixedScore, layers, ranking } = outcome;
  return [
    ...start,
    ...logged(
      scoreLine(int8Score, 'int8 model', `all_int8_cos=${pythonFloat(int8Score)}`),
      'layer name check pass !',
      globalMetrics(facts),
      ...layers.flatMap((layer) => trialLines(layer, mlirFile)),
    ),
    ...shown(
      ...pickLines({ ranking, count, graph, ranks: true }),
      `run int8 mode: ${mlirFile}`,
      '>>>run result:',
      ...resultLines({ int8Score, mixedScore, quantizeTable: facts.quantizeTable }),
    ),
  ];
}
