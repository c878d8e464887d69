import { parseCalibrationTable, rowsByLayer, type Tensor } from '@q/ir';
import { compareTensors, matchLines, matchSummaryLines } from '@q/search';
import { exitStatus } from '../command.ts';
import { readInputText } from '../files/input-files.ts';
import { differenceLines } from './difference-lines.ts';
import { openNpz, saveNpz } from './npz-files.ts';
import type { Subcommand } from './subcommand.ts';

const RESULT = 'requant.npz';

/** Quantizes and dequantizes every float array that a calibration table has a row for, and compares (cli.md 7.3). */
export const caliTest: Subcommand = {
  summary: 'what INT8 with the thresholds of a table does to the arrays of a file; writes requant.npz',
  declare(parser) {
    parser.add_argument('npz_file', { help: 'float results by layer name' });
    parser.add_argument('--calibration_table', { required: true, help: 'their thresholds' });
  },
  run(args, terminal) {
    const [file, tablePath] = [args.string('npz_file'), args.string('calibration_table')];
    const tensors = openNpz(file);
    const table = parseCalibrationTable(readInputText(tablePath, '--calibration_table'), tablePath);
    const rows = rowsByLayer(table.rows, tensors.keys());
    const requantized = new Map<string, Tensor>();
    for (const [name, { threshold }] of rows) {
      const tensor = tensors.get(name);
      if (tensor?.dtype === 'f32' && threshold !== 0) requantized.set(name, throughInt8(tensor, threshold));
    }
    saveNpz(RESULT, requantized);
    const results = compareTensors({ target: requantized, reference: tensors, tolerance: [0.95, 0.85] });
    for (const result of results) {
      for (const line of [...matchLines(result, true), ...differenceLines(result, 2)]) terminal.print(line);
    }
    const matches = results.map(({ match }) => match);
    for (const line of matchSummaryLines(matches, RESULT, file)) terminal.print(line);
    return matches.every(({ passed }) => passed) ? exitStatus.ok : exitStatus.mismatch;
  },
};

/** Every step in float32, ties to even, as numpy computes it. */
function throughInt8({ shape, data }: Tensor, threshold: number): Tensor {
  const [bound, scale] = [Math.fround(threshold), Math.fround(threshold / 127)];
  const values = Float32Array.from(data as Float32Array, (value) => {
    const code = halfToEven(Math.fround(Math.fround(value * 127) / bound));
    return Math.min(Math.max(code, -128), 127) * scale;
  });
  return { shape, dtype: 'f32', data: values };
}

function halfToEven(value: number): number {
  const down = Math.floor(value);
  const fraction = value - down;
  if (fraction !== 0.5) return Math.round(value);
  return down % 2 === 0 ? down : down + 1;
}
