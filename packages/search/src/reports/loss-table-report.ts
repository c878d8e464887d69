import type { LayerLoss, LossTableOutcome } from '../loss-table/search-loss-table.ts';
import { pythonFloat } from '../tensor-match.ts';
import { logged, type ReportLine, shown } from './report-line.ts';
import { scoreLine } from './result-lines.ts';
import type { SearchFacts } from './search-qtable-report.ts';

/** The lines of `run_qtable` of 2022: its table, and what became of it (search.md 8.4). */
export function lossTableReport(outcome: LossTableOutcome, { mlirFile, quantizeTable }: SearchFacts): ReportLine[] {
  return [
    ...logged(`run float mode: ${mlirFile}`, `run int8 mode: ${mlirFile}`),
    ...shown(
      '>>>run result:',
      scoreLine(outcome.int8Loss, 'int8 model', `all int8 loss: ${pythonFloat(outcome.int8Loss)}`),
      ...signalLossLines(outcome.layers),
      `Output mix quantization table to ${quantizeTable}`,
    ),
  ];
}

/** The rows of `full_loss_table.txt` as of 2022. */
export function signalLossLines(layers: readonly LayerLoss[]): string[] {
  return layers.map(
    ({ layer, loss }, index) =>
      `No.${String(index).padEnd(4)}: Layer: ${layer.padEnd(50)}\t\tLoss: ${pythonFloat(loss)}`,
  );
}
