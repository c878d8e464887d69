import type { QtableOutcome } from '../sensitivity/run-qtable.ts';
import { logged, type ReportLine, shown } from './report-line.ts';
import { mixedScoreOf, resultLines, sufficientLine } from './result-lines.ts';
import type { SearchFacts } from './search-qtable-report.ts';

/** The lines of `run_qtable`, up to the total time (search.md 8.3). */
export function qtableReport(outcome: QtableOutcome, facts: SearchFacts): ReportLine[] {
  const { mlirFile, expectedCos, quantizeTable } = facts;
  const start = logged(`run float mode: ${mlirFile}`, `run int8 mode: ${mlirFile}`);
  if (outcome.kind === 'sufficient') return [...start, ...shown(sufficientLine(outcome.int8Score, expectedCos))];
  const { int8Score, interruption } = outcome;
  const mixedScore = mixedScoreOf(outcome);
  return [
    ...start,
    ...logged(...(interruption === undefined ? [] : [`An exception happened: ${interruption}`])),
    ...shown('>>>run result:', ...lossLines(outcome.layers), ...resultLines({ int8Score, mixedScore, quantizeTable })),
  ];
}

/** The layers that were judged, the least alike first (search.md 8.3). */
export function lossLines(layers: readonly { readonly layer: string; readonly cosine: number }[]): string[] {
  return layers
    .toSorted((a, b) => a.cosine - b.cosine)
    .map(
      ({ layer, cosine }, index) =>
        `No.${String(index).padEnd(4)}: Layer: ${layer.padEnd(50)}\t\t\tCos: ${cosine.toFixed(6)}`,
    );
}

export interface LossTable {
  /** `YYYY-MM-DD HH:MM:SS.ffffff` */
  readonly time: string;
  readonly samples: number;
  readonly processor: string;
  readonly mode: string;
  readonly lines: readonly string[];
  /** The loss of the INT8 network, which tables of 2022 say. */
  readonly int8Loss?: string;
}

/** The file `full_loss_table.txt` (search.md 8.3, 8.4). */
export function printLossTable({ time, samples, processor, mode, lines, int8Loss }: LossTable): string {
  const header = [
    `# genetated time: ${time}`,
    `# sample number: ${samples}`,
    ...(int8Loss === undefined ? [] : [`# all int8 loss: ${int8Loss}`]),
    `# chip: ${processor}  mix_mode: ${mode}`,
    ...(int8Loss === undefined ? ['###'] : []),
  ];
  return [...header, ...lines].map((line) => `${line}\n`).join('');
}
