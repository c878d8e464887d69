import { readFileSync } from 'node:fs';
import { parseCalibrationTable } from '@q/ir';
import { describe, expect, it } from 'vitest';
import { calibrate } from '../src/index.ts';
import { loadDataset, loadGraph, shared, sharedAvailable, sharedModels } from './shared-models.ts';

/** calibration.md 13.7: only the order of float32 sums in inference may differ. */
const TOLERANCE = 1e-5;

const slow = process.env.Q_SLOW === '1';
if (sharedAvailable && !slow)
  console.warn('SKIPPED: the pp_ocr_det table takes minutes; set Q_SLOW=1 to reproduce it.');

const cases = [
  { name: 'mnist', table: 'mnist-12_cali_table', samples: 10, rows: 7, raised: 0, run: true },
  { name: 'blazeface', table: 'blazeface_cali_table', samples: 100, rows: 78, raised: 14, run: true },
  { name: 'pp_ocr_det', table: 'pp_ocr_det_cali_table', samples: 100, rows: 150, raised: 48, run: slow },
] as const;

describe.skipIf(!sharedAvailable)('tables published with TPU-MLIR are reproduced (profile 2023)', () => {
  for (const { name, table, samples, rows, raised, run } of cases) {
    it.skipIf(!run)(name, { timeout: 1_800_000 }, async () => {
      const graph = loadGraph(sharedModels[name]);
      const published = parseCalibrationTable(readFileSync(`${shared}/data/reference/cali_tables/${table}`, 'utf8'));
      const calibration = await calibrate(graph, await loadDataset(graph, sharedModels[name], samples), {
        profile: '2023',
        workers: 1,
      });
      expect(published.rows.size).toBe(rows);
      expect(calibration.values.size).toBe(rows);
      // pp_ocr_det was published from an export with other numbers in its names; the order of the layers is the same.
      if (name !== 'pp_ocr_det') expect([...calibration.values.keys()]).toEqual([...published.rows.keys()]);

      const expected = [...published.rows.values()];
      const differences = [...calibration.values].map(([layer, ours], at) => ({
        layer,
        threshold: relative(ours.threshold, expected[at]!.threshold),
        min: relative(ours.min, expected[at]!.min),
        max: relative(ours.max, expected[at]!.max),
      }));
      report(name, differences);
      for (const column of ['min', 'max', 'threshold'] as const) {
        expect(
          differences.filter((row) => !(row[column] <= TOLERANCE)),
          column,
        ).toEqual([]);
      }
      expect(
        [...calibration.values.values()].filter(({ threshold, untuned }) => threshold > untuned + 1e-6),
      ).toHaveLength(raised);
    });
  }
});

function relative(ours: number, theirs: number): number {
  // The table has seven decimals.
  return Math.max(0, Math.abs(ours - theirs) - 5e-8) / Math.max(Math.abs(theirs), 1e-30);
}

function report(name: string, rows: readonly { layer: string; threshold: number; min: number; max: number }[]): void {
  const lines = rows.map(
    ({ layer, threshold, min, max }) =>
      `  ${layer.padEnd(40)} ${[threshold, min, max].map((value) => value.toExponential(1).padStart(8)).join(' ')}`,
  );
  console.log([`${name}: relative differences of threshold, min, max`, ...lines].join('\n'));
}
