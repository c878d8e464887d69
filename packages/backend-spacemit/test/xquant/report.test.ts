import { quantizeOnnxModel } from '@q/backend-spacemit/xquant';
import { expect, test } from 'vitest';
import { compare } from '../../src/xquant/analyse/analyse.ts';
import { ChannelErrors } from '../../src/xquant/analyse/channel-errors.ts';
import { channelsOf } from '../../src/xquant/analyse/output-channels.ts';
import { renderReport } from '../../src/xquant/analyse/report.ts';
import { branchesOnnx, configOf, noiseData } from './networks.ts';

const summary = {
  model: 'm',
  quantizedOps: 1,
  totalOps: 2,
  floatOps: {},
  outputs: ['y'],
  outputErrors: [],
  contributors: [],
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

test('contributors stand above the table under a name that fits, with what to do about them; no table row says so', () => {
  const contributors = [
    { layer: 'conv', lost: 0.02, share: 0.75 },
    { layer: 'fc', lost: 0.004, share: 0.15 },
  ];
  const above = (more: { layersToBlame?: typeof contributors }) =>
    renderReport([row], { ...summary, contributors, ...more })
      .split('\n')
      .filter((line) => line.startsWith('- ') && line.includes('75.0 %'));
  expect(above({})).toEqual([
    "- largest contributors to the outputs' noise, each layer quantized alone: conv 75.0 %, fc 15.0 %",
  ]);
  expect(above({ layersToBlame: contributors })).toEqual([
    '- layers to blame, with their part of the noise at outputs below 0.99: conv 75.0 %, fc 15.0 %',
  ]);
  expect(renderReport([row], { ...summary, contributors })).toContain('- ignore_op_names keeps layers float');
  expect(renderReport([row], summary)).not.toContain('ignore_op_names');
});

test('what is lost of an output: by channel, against what the channel varies, at most all of it', () => {
  const layout = channelsOf([1, 4, 2]);
  expect(layout).toEqual({ count: 2, inner: 1 });
  // Channel 0 holds pixels, channel 1 scores that round to zero.
  const f = [100, 0.2, 300, 0.4, 500, 0.6, 700, 0.8];
  const q = [100, 0, 300, 0, 500, 0, 700, 0];
  expect(new ChannelErrors(layout).add(f, q).lost).toBeCloseTo(0.5, 12);
  expect(compare(Float32Array.from(f), Float32Array.from(q)).cosine).toBeGreaterThan(0.999999);
  // Half of the variance (0.05) of channel 1; sums run over batches.
  const near = f.map((value, k) => (k % 2 === 1 ? value + Math.sqrt(0.025) : value));
  expect(
    new ChannelErrors(layout).add(f.slice(0, 4), near.slice(0, 4)).add(f.slice(4), near.slice(4)).lost,
  ).toBeCloseTo(0.25, 9);
  // A channel that never changes says nothing; one channel of logits is one group.
  expect(new ChannelErrors(layout).add([1, 5, 2, 5], [1, 9, 2, 9]).lost).toBe(0);
  expect(new ChannelErrors(channelsOf([1, 4])).add([1, 2, 3, 4], [1, 2, 3, 3]).lost).toBeCloseTo(1 / 5, 12);
});

test('where channels lie: heads either way, pictures, square pictures with channels last, logits', () => {
  const counts = [[1, 3549, 85], [1, 84, 8400], [1, 85, 22, 22], [1, 1, 640, 640], [1, 257, 257, 21], [1, 1000], [7]];
  expect(counts.map((shape) => channelsOf(shape).count)).toEqual([85, 84, 85, 1, 21, 1, 1]);
  expect(channelsOf([1, 85, 22, 22]).inner).toBe(484);
  expect(channelsOf([1, 257, 257, 21]).inner).toBe(1);
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
