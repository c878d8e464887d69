import { type CalibrationTable, QError } from '@q/ir';
import type { ObservedValue } from './observed-values.ts';
import type { Decision } from './thresholds/decide.ts';

/**
 * The rows of a table as decisions: the tuner's scan ends at the larger magnitude of a row's extremes
 * (calibration.md 1.2, `input_calibration_table`).
 *
 * @throws QError `calib.start-table` when a layer has no row
 */
export function startDecisions(table: CalibrationTable, values: readonly ObservedValue[]): Decision[] {
  const missing = values.filter(({ name }) => !table.rows.has(name)).map(({ name }) => name);
  if (missing.length > 0) {
    throw new QError(`The table to start from has no row for ${missing.length} layer(s), the first is ${missing[0]}.`, {
      code: 'calib.start-table',
      where: missing[0]!,
      expected: 'a row for every layer of the network',
      hint: 'is this the table of another model?',
    });
  }
  return values.map(({ name }) => {
    const row = table.rows.get(name)!;
    return { ...row, tuneLimit: Math.max(Math.abs(row.min), Math.abs(row.max)), degenerate: false };
  });
}
