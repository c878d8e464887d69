import type { OutputAgreement } from '@q/search';
import { type Column, renderTable } from '../terminal/table.ts';
import type { NetworkResult } from './evaluate-run.ts';
import type { Figure } from './evaluate-task.ts';

/** The first network of a table is what the others are compared with. */
export function renderEvaluation(results: readonly NetworkResult[], samples: number): string {
  const names = results[0]!.figures.map(({ name }) => name);
  const hasOthers = results.length > 1;
  const columns: Column[] = [
    { title: 'network', align: 'left' },
    ...names.map((title): Column => ({ title, align: 'right' })),
    ...(hasOthers && names.length > 0 ? [{ title: 'lost', align: 'right' } as const] : []),
    ...(hasOthers
      ? ([
          { title: 'cosine', align: 'right' },
          { title: 'SQNR dB', align: 'right' },
        ] as const)
      : []),
    { title: 'ms', align: 'right' },
  ];
  const rows = results.map((result, index) => [
    result.name,
    ...result.figures.map(shown),
    ...(hasOthers && names.length > 0 ? [index === 0 ? '' : lost(results[0]!.figures[0]!, result.figures[0]!)] : []),
    ...(hasOthers ? agreementCells(result.agreement) : []),
    result.meanMs.toFixed(1),
  ]);
  return `${renderTable(columns, rows)}\n\n${samples} samples${hasOthers ? '; lost: against the first row, in points or dB; cosine and SQNR: of the output that agrees least' : ''}`;
}

export function shown({ value, unit }: Figure): string {
  if (Number.isNaN(value)) return '-';
  return unit === 'dB' ? value.toFixed(2) : `${(100 * value).toFixed(2)}%`;
}

function lost(first: Figure, figure: Figure): string {
  return ((first.value - figure.value) * (first.unit === 'dB' ? 1 : 100)).toFixed(2);
}

function agreementCells(agreement: readonly OutputAgreement[] | undefined): string[] {
  if (agreement === undefined) return ['', ''];
  const worst = agreement.reduce((least, output) => (output.cosine < least.cosine ? output : least));
  return [worst.cosine.toFixed(6), Number.isFinite(worst.sqnrDb) ? worst.sqnrDb.toFixed(2) : 'exact'];
}

/** `name` and the figures' names, then a row per network called `<model>-<network>`: the form of the vendor's `output/yolo.csv`. */
export function evaluationCsv(model: string, results: readonly NetworkResult[]): string {
  const quoted = (cell: string): string => (/[",\n]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell);
  const lines = [
    ['name', ...results[0]!.figures.map(({ name }) => name)],
    ...results.map((result) => [`${model}-${result.name}`, ...result.figures.map(shown)]),
  ];
  return lines.map((cells) => `${cells.map(quoted).join(',')}\r\n`).join('');
}

/** The same with every figure in full. Times are left out: the same input gives the same bytes. */
export function evaluationJson(
  model: string,
  harness: string,
  samples: number,
  results: readonly NetworkResult[],
): string {
  const networks = results.map(({ name, figures, agreement }) => ({
    name,
    figures: Object.fromEntries(
      figures.map((figure) => [figure.name, Number.isNaN(figure.value) ? null : figure.value]),
    ),
    ...(agreement === undefined ? {} : { agreement }),
  }));
  return `${JSON.stringify({ model, harness, samples, networks }, null, 2)}\n`;
}
