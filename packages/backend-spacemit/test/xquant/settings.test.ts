import { quantizeOnnxModel } from '@q/backend-spacemit/xquant';
import type { Graph, OpOf } from '@q/ir';
import { exportOnnx, readOnnxModel } from '@q/ir/onnx';
import { describe, expect, test } from 'vitest';
import { pooledPercentiles } from '../../src/xquant/calibrate/pooled-percentiles.ts';
import { GraphBuilder } from '../graph-builder.ts';
import { branchesOnnx, configOf, noiseData, tinyOnnx } from './networks.ts';

const data = { length: 1, batch: async () => new Map([['x', Float32Array.of(-1, 0.5, 1, 2)]]) };

async function quantize(calibration_type: string, quantization: object, more: object = {}) {
  const levels = { ...FAST, ...quantization };
  const { graph, model } = await quantizeOnnxModel(configOf({ calibration_type }, levels, more), tinyOnnx(), { data });
  return { graph: graph!, model };
}

/** Scale and zero point of the pair on the input x. */
function pairOfInput(graph: Graph): [number, number] {
  const op = graph.ops.find(({ type, inputs }) => type === 'top.QuantizeLinear' && inputs[0] === 'x');
  const { yScale, yZeroPoint } = (op as OpOf<'top.QuantizeLinear'>).attributes;
  return [yScale[0]!, yZeroPoint[0]!];
}

const scaleOfOutput = (graph: Graph) =>
  (graph.ops.findLast(({ type }) => type === 'top.QuantizeLinear') as OpOf<'top.QuantizeLinear'>).attributes.yScale[0]!;

const FAST = { finetune_level: 0, analysis_enable: false };
const ramp = (count: number, end: number) => Float32Array.from({ length: count }, (_, i) => (i / (count - 1)) * end);

/** Of −1, 0.5, 1 and 2, seven tenths are the second and the third: 0 … 1. */
const CLIPPED = [Math.fround(1 / 255), -128];
const WHOLE = [Math.fround(3 / 255), -43];

describe('settings that decide numbers', () => {
  test('max_percentile', async () => {
    expect(pairOfInput((await quantize('percentile', { max_percentile: 0.7 })).graph)).toEqual(CLIPPED);
    expect(pairOfInput((await quantize('percentile', { max_percentile: 1 })).graph)).toEqual(WHOLE);
    // Min-max has no use for it.
    expect(pairOfInput((await quantize('minmax', { max_percentile: 0.7 })).graph)).toEqual(WHOLE);
  });

  test('percentileMode pooled: all batches as one, instead of the mean of every batch', async () => {
    // Ten batches that rise from 0 to 1, 2 … 10.
    const spread = { length: 10, batch: async (k: number) => new Map([['x', ramp(768, k + 1)]]) };
    const pairOf = async (percentileMode: string) => {
      const config = configOf(
        { calibration_type: 'percentile' },
        { ...FAST, max_percentile: 0.99 },
        { q_parameters: { percentileMode } },
      );
      return pairOfInput((await quantizeOnnxModel(config, branchesOnnx(), { data: spread })).graph!);
    };
    const [xslim, pooled] = [await pairOf('xslim'), await pairOf('pooled')];
    // The mean of ten 99th percentiles, and the value above which 1 % of all lie, to a bin of 10 / 4096.
    expect(xslim[0] * 255).toBeCloseTo(5.4498, 3);
    expect(Math.abs(pooled[0] * 255 - 9.0091)).toBeLessThan(10 / 4096);
    expect(pooledPercentiles(Float64Array.of(1, 8, 0, 1), { min: 0, max: 4 }, 0.9)).toEqual({ min: 0, max: 2 });
    expect(pooledPercentiles(Float64Array.of(1, 98, 0, 1), { min: 0, max: 4 }, 0.985)).toEqual({ min: 1, max: 2 });
    expect(pooledPercentiles(Float64Array.of(1, 98, 0, 1), { min: 0, max: 4 }, 1)).toEqual({ min: 0, max: 4 });
  });

  test('custom_setting has observers of its own, and the last item wins', async () => {
    const around = { input_names: ['x'], output_names: ['r'] };
    const clipping = { ...around, calibration_type: 'percentile', max_percentile: 0.7 };
    const measuring = { ...around, calibration_type: 'minmax' };
    const plain = await quantize('minmax', {});
    const clipped = await quantize('minmax', { custom_setting: [measuring, clipping] });
    expect(pairOfInput(clipped.graph)).toEqual(CLIPPED);
    // Behind the subgraph the global type holds.
    expect(scaleOfOutput(clipped.graph)).toBe(scaleOfOutput(plain.graph));
    const measured = await quantize('minmax', { custom_setting: [clipping, measuring] });
    expect(pairOfInput(measured.graph)).toEqual(WHOLE);
    const named = await quantize('minmax', { custom_setting: [{ ...around, calibration_type: 'default' }] });
    expect(pairOfInput(named.graph)[0]).toBeGreaterThan(0);
  });

  test('gemmWeight: one power of two, or a scale per output', async () => {
    const scalesOf = ({ graph }: { graph: Graph }) => {
      const op = graph.ops.find(({ type, inputs }) => type === 'top.DequantizeLinear' && inputs[0] === 'gw');
      return (op as OpOf<'top.DequantizeLinear'>).attributes.xScale;
    };
    expect(scalesOf(await quantize('minmax', {}))).toEqual([2 ** -8]);
    const channels = scalesOf(await quantize('minmax', {}, { q_parameters: { gemmWeight: 'channel' } }));
    expect(channels.map((scale) => (scale * 255) / 2)).toEqual([expect.closeTo(0.4, 6), expect.closeTo(0.35, 6)]);
  });

  test('biasCorrection full: the error of the filters counts, too', async () => {
    const { graph } = await quantize('minmax', { finetune_level: 1 }, { q_parameters: { biasCorrection: 'full' } });
    // Mean of x 0.625, in codes 0.6235294; filter 0.5, in codes 127 · 0.00392156886.
    const expected = 0.1 + 0.625 * 0.5 - 0.6235294 * 127 * 0.00392156886;
    expect(graph.weights.get('b')!.data[0]).toBeCloseTo(expected, 6);
  });

  test.each([13, 17, 21])('opset %i is written, up or down', async (opset) => {
    const { model } = await quantize('minmax', {}, { model_parameters: { opset } });
    expect(readOnnxModel(model).opsetImport!.map(({ version }) => Number(version))).toEqual([opset]);
  });
});

/** A Mul by a constant behind a convolution: simplification folds it into the filters. */
function scaledOnnx(): Uint8Array {
  const b = new GraphBuilder();
  b.add('top.Mul', 'y', [b.conv('c', b.input('x', [1, 3, 8, 8]), [4, 3, 3, 3]), b.weight('factor', [1, 4, 1, 1])]);
  return exportOnnx(b.build(['y']), { opset: 17 });
}

test('skip_onnxsim leaves what simplification folds', async () => {
  const typesOf = async (skip_onnxsim: boolean) => {
    const config = configOf(
      { calibration_type: 'minmax' },
      { analysis_enable: false },
      { model_parameters: { skip_onnxsim } },
    );
    const { model } = await quantizeOnnxModel(config, scaledOnnx(), { data: noiseData('x', 192, 2) });
    return readOnnxModel(model).graph!.node!.map(({ opType }) => opType!);
  };
  expect(await typesOf(false)).not.toContain('Mul');
  expect(await typesOf(true)).toContain('Mul');
});
