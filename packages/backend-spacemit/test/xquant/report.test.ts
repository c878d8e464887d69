import { quantizeOnnxModel } from '@q/backend-spacemit/xquant';
import { expect, test } from 'vitest';
import { compare } from '../../src/xquant/analyse/analyse.ts';
import { renderReport } from '../../src/xquant/analyse/report.ts';
import { branchesOnnx, configOf, noiseData } from './networks.ts';

const summary = {
  model: 'm',
  quantizedOps: 1,
  totalOps: 2,
  floatOps: {},
  outputs: ['y'],
  outputErrors: [],
  layersToBlame: [],
  warnings: [],
};
const row = {
  op: 'conv[Conv]',
  tensor: 'y',
  isConstant: false,
  snr: 0.2,
  mse: 0.5,
  cosine: 0.98,
  quantizedRange: [-1, 1] as const,
  floatRange: [-1.25, 1] as const,
  floatHistogram: [1, 2],
};

test('noise-to-signal ratio, mean squared error and cosine', () => {
  const [f, q] = [Float32Array.of(3, 4), Float32Array.of(3, 3)];
  expect(compare(f, q)).toEqual({ snr: 1 / (25 + 1e-7), mse: 0.5, cosine: 21 / (5 * Math.sqrt(18)) });
  expect(compare(new Float32Array(2), new Float32Array(2))).toEqual({ snr: 0, mse: 0, cosine: 1 });
});

test('the vendor’s columns, marks and alignment', () => {
  const lines = renderReport([row, { ...row, tensor: 'w', isConstant: true, snr: 0.1, cosine: 0.99 }], summary).split(
    '\n',
  );
  const table = lines.filter((line) => line.startsWith('|'));
  const cells = table.map((line) =>
    line
      .slice(1, -1)
      .split('|')
      .map((cell) => cell.trim()),
  );
  expect(cells[0]).toEqual(['', 'Op', 'Var', 'SNR', 'MSE', 'Cosine', 'Q.MinMax', 'F.MinMax', 'F.Hist']);
  expect(table[0]!.startsWith('|    | Op')).toBe(true);
  expect(cells[1]!.map((rule) => rule.endsWith(':') && !rule.startsWith(':'))).toEqual([
    true,
    false,
    false,
    false,
    true,
    false,
    false,
    false,
    false,
  ]);
  const red = (text: string) => `<font color="red">${text}</font>`;
  expect(cells[2]).toEqual([
    '0',
    'conv[Conv]',
    'y',
    red('0.2000'),
    '0.5000',
    red('0.9800'),
    '-1.000, 1.000',
    '-1.250, 1.000',
    '1,2',
  ]);
  // At the limit there is no mark.
  expect(cells[3]!.slice(2, 6)).toEqual(['w[Constant]', '0.1000', '0.5000', '0.9900']);
  expect(lines.at(-1)!.startsWith('|')).toBe(true);
});

test('rows of a run: the worst operator first, each tensor once, passive operators left out', async () => {
  const data = noiseData('x', 768, 20);
  const { report } = await quantizeOnnxModel(configOf({ calibration_type: 'minmax' }), branchesOnnx(), { data });
  const { rows, json } = report!;
  expect(new Set(rows.map(({ tensor }) => tensor)).size).toBe(rows.length);
  // Types as the file has them.
  const typesOf = (tensor: string) => rows.find((row) => row.tensor === tensor)!.op.replace(/.*\[/, '[');
  expect(['k2', 'fc', 'gap', 'mm', 'z'].map(typesOf)).toEqual(
    ['Clip', 'Gemm', 'GlobalAveragePool', 'MatMul', 'Sub'].map((type) => `[${type}]`),
  );
  expect(rows.map(({ op }) => op).join()).not.toMatch(/Reshape|MaxPool|Split|Softmax/);
  const outputs = rows.filter(({ op, tensor }) => op.startsWith(`${tensor}[`)).map(({ snr }) => snr);
  expect(outputs).toEqual(outputs.toSorted((a, b) => b - a));
  expect(rows.every(({ floatHistogram }) => floatHistogram.reduce((a, b) => a + b, 0) % 2048 === 0)).toBe(true);
  expect(JSON.parse(json).rows).toHaveLength(rows.length);
});
