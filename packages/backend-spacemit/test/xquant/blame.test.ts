import { quantizeOnnxModel } from '@q/backend-spacemit/xquant';
import { exportOnnx } from '@q/ir/onnx';
import { beforeAll, describe, expect, test } from 'vitest';
import { GraphBuilder, noise } from '../graph-builder.ts';
import { configOf, noiseData } from './networks.ts';

/**
 * A Gemm whose one scale an enormous weight spoils, although it only ever meets a dead channel, between layers that are fine, and
 * a branch of its own that does not depend on it.
 */
function spoiltOnnx(): Uint8Array {
  const b = new GraphBuilder();
  const x = b.input('x', [1, 3, 8, 8]);
  const conv = { kernelShape: [3, 3], strides: [1, 1], pads: [1, 1, 1, 1] };
  const bias = noise(8, 3).map((value, c) => (c === 0 ? -1000 : value));
  const c = b.add('top.Conv', 'c', [x, b.weight('cw', [8, 3, 3, 3]), b.weight('cb', [8], bias)], conv);
  const rows = b.add('top.Reshape', 'rows', [b.add('top.Relu', 'r', [c]), null], { shape: [1, 512] });
  const weight = noise(512 * 10, 5).map((value, i) => (i === 0 ? 200 : value));
  const fc = b.add('top.MatMul', 'fc', [rows, b.weight('fw', [10, 512], weight), b.weight('fb', [10])], {
    rightTranspose: true,
  });
  b.add('top.Sigmoid', 'y', [fc]);
  b.conv('z', x, [4, 3, 3, 3]);
  return exportOnnx(b.build(['y', 'z'], 'spoilt'), { opset: 17 });
}

/** Pixels of boxes and scores from 0 to 1 that leave by one Concat: the cosine is that of the pixels. */
function joinedOnnx(): Uint8Array {
  const b = new GraphBuilder();
  const x = b.input('x', [1, 3, 8, 8]);
  const neck = b.add('top.Relu', 'neck', [b.conv('stem', x, [8, 3, 3, 3])]);
  const wide = { kernelShape: [1, 1], strides: [1, 1], pads: [0, 0, 0, 0] };
  const far = noise(4 * 8, 6).map((value) => 200 * value);
  const boxes = b.add('top.Conv', 'boxes', [neck, b.weight('bw', [4, 8, 1, 1], far), b.weight('bb', [4])], wide);
  const scores = b.add('top.Sigmoid', 'scores', [b.conv('logits', neck, [3, 8, 1, 1])]);
  b.add('top.Concat', 'y', [boxes, scores], { axis: 1 });
  return exportOnnx(b.build(['y'], 'joined'), { opset: 17 });
}

test('an output whose cosine is fine although its scores are gone: the layer that joins them comes first', async () => {
  const data = noiseData('x', 192, 6);
  const { summary } = await quantizeOnnxModel(configOf({ calibration_type: 'minmax' }), joinedOnnx(), { data });
  const [{ cosine, lost }] = summary.outputErrors as [(typeof summary.outputErrors)[0]];
  expect(cosine).toBeGreaterThan(0.999);
  expect(lost).toBeGreaterThan(0.2);
  expect(summary.layersToBlame).toEqual([]);
  expect(summary.contributors[0]!.layer).toBe('y');
  expect(summary.contributors[0]!.share).toBeGreaterThan(0.8);
});

describe('layers to blame', () => {
  const data = noiseData('x', 192, 6);
  const quantize = (more: object = {}) =>
    quantizeOnnxModel(configOf({ calibration_type: 'minmax' }, { finetune_level: 0, ...more }), spoiltOnnx(), { data });
  let plain: Awaited<ReturnType<typeof quantize>>;
  beforeAll(async () => {
    plain = await quantize();
  });

  test('the report says which outputs are bad, and names the layer behind them', () => {
    const { outputErrors, layersToBlame } = plain.summary;
    expect(outputErrors.map(({ tensor, cosine }) => [tensor, cosine < 0.99])).toEqual([
      ['y', true],
      ['z', false],
    ]);
    expect(layersToBlame[0]!.layer).toBe('fc');
    expect(layersToBlame[0]!.share).toBeGreaterThan(0.5);
    // The other output's layer has nothing to do with it.
    expect(layersToBlame.map(({ layer }) => layer)).not.toContain('z');
    expect(plain.report!.markdown).toMatch(/^- layers to blame, .*: fc \d\d\.\d %/m);
    expect(JSON.parse(plain.report!.json).layersToBlame[0].layer).toBe('fc');
  });

  test('with that layer in float the outputs are right, nobody is to blame, and the largest contributors are still named', async () => {
    const { summary, report } = await quantize({ ignore_op_names: ['fc'] });
    expect(Math.min(...summary.outputErrors.map(({ cosine }) => cosine))).toBeGreaterThan(0.999);
    expect(summary.layersToBlame).toEqual([]);
    expect(report!.markdown).not.toContain('to blame');
    // All outputs count now.
    expect(summary.contributors.map(({ layer }) => layer).sort()).toEqual(['c', 'y', 'z']);
    expect(summary.contributors.reduce((sum, { share }) => sum + share, 0)).toBeCloseTo(1, 9);
    expect(report!.markdown).toMatch(/^- largest contributors to the outputs' noise, .*: [cyz] \d\d\.\d %/m);
  });
});
