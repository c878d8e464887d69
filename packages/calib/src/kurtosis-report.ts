import { formatFixed7 } from '@q/ir';
import type { ObservedValue } from './observed-values.ts';
import type { ValueStatistics } from './statistics/value-statistics.ts';
import { sampleMean } from './thresholds/sample-mean.ts';

/** Kurtosis of one value, averaged over samples. */
export interface KurtosisRow {
  readonly name: string;
  readonly kurtosis: number;
  /** `top.Conv` */
  readonly type: string;
}

const LEFT_OUT: ReadonlySet<string> = new Set(['top.LayerNorm', 'top.Softmax']);

/** Largest first; ties in the order of the table (calibration.md 6.11). */
export function kurtosisRows(values: readonly ObservedValue[], statistics: readonly ValueStatistics[]): KurtosisRow[] {
  return values
    .map(({ name, op }, at) => ({ name, type: op.type, kurtosis: sampleMean(statistics[at]!, 'kurtosis') }))
    .filter(({ type }) => !LEFT_OUT.has(type))
    .sort((a, b) => (a.kurtosis === b.kurtosis ? 0 : b.kurtosis - a.kurtosis));
}

/** The text of TPU-MLIR's `kurtosis_analysis` file. */
export function printKurtosis(rows: readonly KurtosisRow[]): string {
  const lines = rows.map(({ name, kurtosis, type }) => `${name}  ${formatFixed7(kurtosis)}  ${type}`);
  return ['# op_name   kurtosis   op_type', ...lines].map((line) => `${line}\n`).join('');
}
