import { parseConfig, quantizeOnnxModel } from '@q/backend-spacemit/xquant';
import type { QEvent } from '@q/ir';
import { exportOnnx, importOnnx, readOnnxModel } from '@q/ir/onnx';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { describe, expect, test } from 'vitest';
import { observeRanges } from '../../src/xquant/calibrate/observe.ts';
import { GraphBuilder, noise } from '../graph-builder.ts';
import { branchesOnnx, configOf, noiseData, runOnnx, tinyOnnx } from './networks.ts';

const tinyData = { length: 1, batch: async () => new Map([['x', Float32Array.of(-1, 0.5, 1, 2)]]) };
const minmax = { calibration_type: 'minmax' };

/** Boxes in pixels and scores from 0 to 1, joined as detectors do. */
function headOnnx(): Uint8Array {
  const b = new GraphBuilder();
  const c = b.conv('c', b.input('x', [1, 3, 16, 16]), [8, 3, 3, 3]);
  const rows = (name: string, value: string, channels: number) =>
    b.add('top.Reshape', name, [value, null], { shape: [1, channels, 256] });
  const boxes = b.add('top.MulConst', 'pixels', [rows('boxes', b.conv('box', c, [4, 8, 3, 3]), 4)], { constVal: 640 });
  const scores = b.add('top.Sigmoid', 'scores', [rows('classes', b.conv('cls', c, [3, 8, 3, 3]), 3)]);
  b.add('top.Concat', 'y', [boxes, scores], { axis: 1 });
  return exportOnnx(b.build(['y'], 'head'), { opset: 17 });
}

describe('score collapse', () => {
  const warningsOf = async (more: object = {}) => {
    const config = configOf(minmax, { finetune_level: 0, analysis_enable: false }, more);
    const { summary } = await quantizeOnnxModel(config, headOnnx(), { data: noiseData('x', 768, 3) });
    return summary.warnings.filter((text) => text.includes('under one scale'));
  };

  test('pixels and scores under one scale: a warning that proposes where to cut', async () => {
    const [warning, ...more] = await warningsOf();
    expect(more).toEqual([]);
    expect(warning).toContain('truncate_var_names: pixels, scores');
  });

  test('a float output has nothing to warn about', async () => {
    expect(await warningsOf({ q_parameters: { floatOutputs: ['y'] } })).toEqual([]);
  });
});

describe('external data', () => {
  test('tensors below 1024 bytes stay in the model', async () => {
    const config = configOf(minmax, { finetune_level: 0, analysis_enable: false });
    const options = { data: noiseData('x', 768, 2), externalFromBytes: 1000 };
    expect((await quantizeOnnxModel(config, branchesOnnx(), options)).data).toBeUndefined();
  });

  test('ONNX Runtime reads the two files', async () => {
    const b = new GraphBuilder();
    b.conv('y', b.input('x', [1, 16, 8, 8]), [32, 16, 3, 3]);
    const float = exportOnnx(b.build(['y']), { opset: 17 });
    const config = configOf(minmax, { finetune_level: 0, analysis_enable: false });
    const options = { data: noiseData('x', 1024, 2), files: { folder: '.', prefix: 'm' } };
    const whole = await quantizeOnnxModel(config, float, options);
    const { model, data } = await quantizeOnnxModel(config, float, { ...options, externalFromBytes: 4000 });
    expect(data!.length).toBe(32 * 16 * 9);
    expect(whole.data).toBeUndefined();
    const external = readOnnxModel(model).graph!.initializer!.filter(({ dataLocation }) => dataLocation === 1);
    // Absent in the file, empty once decoded.
    expect(external.map(({ rawData }) => rawData?.length ?? 0)).toEqual([0]);
    const externalData = (location: string) => (location === 'm.onnx.data' ? data : undefined);
    expect(importOnnx(model, { name: 'again', externalData }).weights.size).toBeGreaterThan(0);
    expect(model.length).toBeLessThan(whole.model.length - 4000);
    const session = await InferenceSession.create(model, {
      graphOptimizationLevel: 'disabled',
      externalData: [{ path: 'm.onnx.data', data: data! }],
    });
    const x = noise(1024, 3);
    const results = await session.run({ x: new Tensor('float32', x, [1, 16, 8, 8]) });
    const expected = await runOnnx(whole.model, new Map([['x', { data: x, dims: [1, 16, 8, 8] }]]));
    expect(results.y!.data).toEqual(expected.get('y'));
  });
});

describe('the log', () => {
  const linesOf = async (quantization: object, files = {}) => {
    const lines: string[] = [];
    const emit = (event: QEvent) => event.type === 'line' && lines.push(event.text);
    await quantizeOnnxModel(configOf(minmax, quantization), tinyOnnx(), {
      data: tinyData,
      emit,
      files: { folder: 'd', prefix: 'p', ...files },
    });
    return lines;
  };

  test('the original’s lines in its order', async () => {
    const custom_setting = [{ input_names: ['r'], output_names: ['y'], precision_level: 2 }];
    const lines = await linesOf(
      { precision_level: 2, finetune_level: 2, custom_setting },
      { isNewFolder: true, input: 'a.onnx', output: 'd/p.onnx' },
    );
    expect(lines.map((line) => line.split(' | ')[2])).toEqual([
      'Not set working_dir, deatults to d.',
      'Not set output_prefix, deatults to p.',
      'set calibration_type minmax.',
      'set higher precision level.',
      'set higher finetune level.',
      'using api input onnx model a.onnx.',
      'using api output path d/p.onnx.',
      'd not existed and make new one.',
      'simplify onnx model...',
      'Set Bias to Float32.',
      'Set Bias to Float32.',
      expect.stringMatching(/^set custom tqc for operation: /),
      expect.stringMatching(/^set custom tqc for operation: /),
      expect.stringMatching(/^Tuning Finished: (\(\d\.\d{5} -> \d\.\d{5}\)|loss no change and withdraw\.)$/),
      'export quantization statistical results file to d/p_report.md',
      expect.stringMatching(/^quantization eplased time \d+\.\d\d s$/),
    ]);
    expect(lines[0]).toMatch(/^xslim\.xslim_setting {6}\| INFO {5}\| /);
  });
});

describe('calibration', () => {
  test('workers find the ranges that one thread finds', async () => {
    const b = new GraphBuilder();
    let value = b.input('x', [1, 4, 6, 6]);
    for (let i = 0; i < 40; i++) value = b.conv(`c${i}`, value, [4, 4, 3, 3]);
    const model = exportOnnx(b.build([value]), { opset: 17 });
    const config = configOf({ calibration_type: 'default' }, { finetune_level: 0, analysis_enable: false });
    const quantize = (workers: number) => quantizeOnnxModel(config, model, { data: noiseData('x', 144, 2), workers });
    expect((await quantize(2)).model).toEqual((await quantize(0)).model);
  });

  test('a tensor of which nothing is seen gets scale 1 and zero point 0, with the original’s warning', async () => {
    const warnings: string[] = [];
    const graph = importOnnx(tinyOnnx(), { name: 'tiny' });
    const ranges = await observeRanges({
      graph,
      values: new Map([['ghost', { type: 'minmax' }]]),
      data: tinyData,
      klMode: 'xslim',
      emit: (event) => event.type === 'warning' && warnings.push(event.message),
    });
    expect(ranges.get('ghost')).toEqual({ min: -128, max: 127 });
    expect(warnings).toEqual(['None value detected at var ghost']);
  });

  test('a search that would take longer than maxSeconds becomes percentile', async () => {
    const data = noiseData('x', 768, 2);
    const level = { finetune_level: 0, analysis_enable: false };
    const hurried = await quantizeOnnxModel(
      configOf({ calibration_type: 'default' }, level, { q_parameters: { maxSeconds: 1e-6 } }),
      branchesOnnx(),
      { data },
    );
    const percentile = await quantizeOnnxModel(configOf({ calibration_type: 'percentile' }, level), branchesOnnx(), {
      data,
    });
    expect(hurried.model).toEqual(percentile.model);
    expect(hurried.summary.warnings.join()).toContain('more than maxSeconds');
    expect(() => parseConfig({ q_parameters: { maxSeconds: -1 } })).toThrow('maxSeconds is above 0');
  });
});
