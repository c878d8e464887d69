import { readFileSync } from 'node:fs';
import type { Dataset } from '@q/dataset';
import { parseCalibrationTable, printCalibrationTable, symmetricQParams } from '@q/ir';
import { describe, expect, it } from 'vitest';
import { type CalibratedValue, toTable } from '../src/calibration-table.ts';
import type { CalibrationOptions } from '../src/index.ts';
import { resolveOptions } from '../src/options.ts';
import { shared, sharedAvailable } from './shared-models.ts';

const detection = `# genetated time: 2023-04-18 11:48:00.988865
# histogram number: 2048
# sample number: 100
# tune number: 5
###
# op_name    threshold    min    max
images 1.0000080 0.0000000 1.0000080
122_Conv 41.0432266 -102.5830078 97.6811905
124_Mul 33.5799970 -0.2784646 97.6811905
125_Conv 45.1327847 -138.8231506 122.0843964
`;
const classifier = `data 2.6355782 -2.1148427 2.6355782
mobilenetv20_features_relu0_fwd_Relu 4.4218891 -0.0000000 6.4883747
mobilenetv20_features_linearbottleneck0_conv2_fwd_Conv 5.4278679 -7.0317659 7.0871282
`;
const leNet = `data 0.9960938 0.0000000 0.9960938
conv1 3.0071700 -3.4350877 2.9595933
pool1 2.9653101 -2.9653101 2.9595933
ip1 9.2512083 0.0000000 9.2512083
ip2 24.8902760 -18.5910759 24.8902760
`;
const fp8 = `# mlir version: v1.7.beta.155-gbfe0297ea-20240508
# mlir: resnet50_v2.mlir
# genetated time: 2024-05-08 16:43:51.519421
#tpu-mlir-fp8 caliration table
# sample number: 100
###
# op_name    threshold    min    max
data 2.6355782 -2.6563307 2.6355782
`;

/** The file that calibration on a hundred samples writes for these rows: name, threshold, min, max. */
function written(rows: readonly (readonly [string, number, number, number])[], options: CalibrationOptions): string {
  const hundred: Dataset = { kind: 'image', length: 100, files: () => [], sample: async () => new Map() };
  const values = rows.map(([name, threshold, min, max]): [string, CalibratedValue] => [
    name,
    { threshold, untuned: threshold, min, max, absMax: Math.max(-min, max) },
  ]);
  return printCalibrationTable(
    toTable(new Map(values), resolveOptions(hundred, options), { asymmetric: [], four: undefined }),
  );
}

const rowsOf = (text: string) =>
  [...parseCalibrationTable(text).rows].map(([name, { threshold, min, max }]) => [name, threshold, min, max] as const);
const withoutHeader = (text: string) => text.replace(/^#.*\n/gm, '');

describe('first lines of real tables (calibration.md 13.4)', () => {
  it('a detection network, tuned', () => {
    const rows = [
      ['images', 1.000008, 0, 1.000008],
      ['122_Conv', 41.0432266, -102.5830078, 97.6811905],
      ['124_Mul', 33.579997, -0.2784646, 97.6811905],
      ['125_Conv', 45.1327847, -138.8231506, 122.0843964],
    ] as const;
    expect(written(rows, { profile: '2023', header: { time: '2023-04-18 11:48:00.988865' } })).toBe(detection);
    expect(rowsOf(detection)).toEqual(rows);
  });

  it('a minimum that rounds to -0 leaves the tensor unsigned', () => {
    const rows = [
      ['data', 2.6355782, -2.1148427, 2.6355782],
      ['mobilenetv20_features_relu0_fwd_Relu', 4.4218891, -1e-9, 6.4883747],
      ['mobilenetv20_features_linearbottleneck0_conv2_fwd_Conv', 5.4278679, -7.0317659, 7.0871282],
    ] as const;
    expect(withoutHeader(written(rows, { profile: '2023' }))).toBe(classifier);
    const { min, threshold } = parseCalibrationTable(classifier).rows.get(rows[1][0])!;
    expect(min).toBe(-0);
    const { scale, signed } = symmetricQParams(min, threshold);
    expect([scale, signed]).toEqual([threshold / 255, false]);
  });

  it('a threshold above the maximum, where the negative side is the larger one; halves go to the even digit', () => {
    const rows = rowsOf(leNet).map(([name, ...numbers]) => [name, ...numbers] as const);
    expect(withoutHeader(written(rows, { profile: '2023' }))).toBe(leNet);
    expect(withoutHeader(written([['data', 255 / 256, 0, 255 / 256]], {}))).toBe(leNet.split('\n')[0]!.concat('\n'));
    const above = rows.filter(([, threshold, , max]) => threshold > max);
    expect(above.map(([name]) => name)).toEqual(['conv1', 'pool1']);
    for (const [, threshold, min] of above) expect(threshold).toBeLessThanOrEqual(-min);
  });

  it('FP8: the lower end is the threshold times -128/127', () => {
    const header = {
      version: 'v1.7.beta.155-gbfe0297ea-20240508',
      mlirFile: 'resnet50_v2.mlir',
      time: '2024-05-08 16:43:51.519421',
    };
    // By the maximum that was observed, a float32: of its seven decimals the lower end would be ...308.
    const max = Math.fround(2.6355782);
    expect(written([['data', max, -2.1148427, max]], { fp8: true, header })).toBe(fp8);
    expect(parseCalibrationTable(fp8)).toMatchObject({ format: 'fp8', warnings: [] });
  });

  it('tables of the CV18xx tools: threshold alone, and five decimals', () => {
    expect(rowsOf('relu4_4/expand 2.23350000381\n')).toEqual([
      ['relu4_4/expand', 2.23350000381, -2.23350000381, 2.23350000381],
    ]);
    expect(rowsOf('images 1.00049 0.00000 1.00000\n')).toEqual([['images', 1.00049, 0, 1]]);
  });

  it.skipIf(!sharedAvailable)('are the first lines of the published files', () => {
    const published = (file: string) =>
      readFileSync(`${shared}/data/reference/cali_tables/other_models/${file}`, 'utf8');
    expect(published('yolov5s_cali_table').slice(0, detection.length)).toBe(detection);
    expect(published('resnet50_v2_cali_table_f8e4m3').slice(0, fp8.length)).toBe(fp8);
    const rows = published('mobilenet_v2_cali_table').split('\n');
    for (const row of classifier.trim().split('\n')) expect(rows).toContain(row);
  });

  it.skipIf(!sharedAvailable)('every row of a published FP8 table keeps that ratio', () => {
    const text = readFileSync(
      `${shared}/data/reference/cali_tables/other_models/resnet50_v2_cali_table_f8e4m3`,
      'utf8',
    );
    const rows = rowsOf(text);
    expect(rows.length).toBeGreaterThan(50);
    for (const [name, threshold, min, max] of rows) {
      expect(max, name).toBe(threshold);
      expect(Math.abs(min + (threshold * 128) / 127), name).toBeLessThan(1.1e-7);
    }
  });
});
