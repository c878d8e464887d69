import type { OutputReport, TensorReport } from './analyse.ts';

/** What a report says besides its table. */
export interface ReportSummary {
  readonly model: string;
  readonly quantizedOps: number;
  readonly totalOps: number;
  /** Operators with an INT8 form that stay float, by reason. */
  readonly floatOps: Readonly<Record<string, readonly string[]>>;
  readonly outputs: readonly string[];
  /** How far the outputs are from their float values; empty without analysis. */
  readonly outputErrors: readonly OutputReport[];
  /** Layers that the outputs owe most of their noise to, the worst first; of outputs below a cosine of 0.99 if there are any. */
  readonly contributors: readonly ContributingLayer[];
  /** The same layers when an output is below a cosine of 0.99; else empty. */
  readonly layersToBlame: readonly ContributingLayer[];
  readonly warnings: readonly string[];
}

/** A layer by the name of its node. */
export interface ContributingLayer {
  readonly layer: string;
  /** Part of the outputs that is lost when this layer alone is quantized, 0 … 1: noise over the variance of each channel. */
  readonly lost: number;
  /** Part of what all layers lose, 0 … 1. */
  readonly share: number;
}

/** Above this noise-to-signal ratio, and below this cosine, the vendor marks a cell. */
export const [MARKED_SNR, MARKED_COSINE] = [0.1, 0.99];

const COLUMNS = ['', 'Op', 'Var', 'SNR', 'MSE', 'Cosine', 'Q.MinMax', 'F.MinMax', 'F.Hist'] as const;
const red = (text: string) => `<font color="red">${text}</font>`;

/** The Markdown report: our summary, then the vendor's table with its columns, order and marks (spacemit.md 11). */
export function renderReport(rows: readonly TensorReport[], summary: ReportSummary): string {
  const cells = rows.map((row, index) => [
    String(index),
    escaped(row.op),
    escaped(row.isConstant ? `${row.tensor}[Constant]` : row.tensor),
    row.snr > MARKED_SNR ? red(row.snr.toFixed(4)) : row.snr.toFixed(4),
    row.mse.toFixed(4),
    row.cosine < MARKED_COSINE ? red(row.cosine.toFixed(4)) : row.cosine.toFixed(4),
    interval(row.quantizedRange),
    interval(row.floatRange),
    row.floatHistogram.join(','),
  ]);
  const isNumeric = COLUMNS.map((_, c) => c === 0 || ((c === 3 || c === 4 || c === 5) && !marked(cells, c)));
  const widths = COLUMNS.map((title, c) => Math.max(title.length, ...cells.map((row) => row[c]!.length), 2));
  const line = (row: readonly string[]) =>
    `| ${row.map((cell, c) => (isNumeric[c] ? cell.padStart(widths[c]!) : cell.padEnd(widths[c]!))).join(' | ')} |`;
  const rule = widths.map((width, c) => (isNumeric[c] ? `${'-'.repeat(width + 1)}:` : `:${'-'.repeat(width + 1)}`));
  return [...summaryLines(rows, summary), line(COLUMNS), `|${rule.join('|')}|`, ...cells.map(line)].join('\n');
}

const marked = (cells: readonly (readonly string[])[], column: number) =>
  cells.some((row) => row[column]!.startsWith('<font'));
const interval = ([min, max]: readonly [number, number]) => `${min.toFixed(3)}, ${max.toFixed(3)}`;
const escaped = (text: string) => text.replaceAll('|', '\\|');

function summaryLines(rows: readonly TensorReport[], summary: ReportSummary): string[] {
  const activations = rows.filter(({ isConstant }) => !isConstant);
  const worst = [...activations].sort((a, b) => b.snr - a.snr).slice(0, 5);
  const float = Object.entries(summary.floatOps).map(([reason, names]) => `${reason} ${names.length}`);
  return [
    `# ${summary.model}`,
    '',
    `- ${summary.quantizedOps} of ${summary.totalOps} operators run in INT8${float.length > 0 ? `; kept float: ${float.join(', ')}` : ''}`,
    `- worst tensors (SNR is noise over signal, less is better): ${worst.map(({ tensor, snr }) => `${tensor} ${snr.toFixed(4)}`).join(', ')}`,
    ...summary.outputErrors.map(
      ({ tensor, snr, cosine, lost }) =>
        `- output ${tensor}: SNR ${snr.toFixed(4)}, cosine ${cosine.toFixed(6)}, noise ${percent(lost)} of what its channels vary`,
    ),
    ...contributorLines(summary),
    ...summary.warnings.map((warning) => `- warning: ${warning}`),
    '',
  ];
}

const percent = (part: number) => `${(100 * part).toPrecision(3)} %`;

/** Named whatever the cosines say: a task may lose points where they are fine. */
function contributorLines({ contributors, layersToBlame }: ReportSummary): string[] {
  if (contributors.length === 0) return [];
  const layers = contributors.map(({ layer, share }) => `${layer} ${(100 * share).toFixed(1)} %`).join(', ');
  const title =
    layersToBlame.length > 0
      ? `layers to blame, with their part of the noise at outputs below ${MARKED_COSINE}`
      : "largest contributors to the outputs' noise, each layer quantized alone";
  return [
    `- ${title}: ${layers}`,
    '- ignore_op_names keeps layers float, custom_setting with precision_level 3 whole subgraphs',
  ];
}

/** The same as data. */
export function reportJson(rows: readonly TensorReport[], summary: ReportSummary): string {
  const marks = ({ snr, cosine }: TensorReport) => ({ snr: snr > MARKED_SNR, cosine: cosine < MARKED_COSINE });
  const report = { ...summary, rows: rows.map((row) => ({ ...row, marked: marks(row) })) };
  return `${JSON.stringify(report, null, 2)}\n`;
}
