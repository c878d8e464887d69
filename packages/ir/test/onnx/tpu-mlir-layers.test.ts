import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import type { Graph } from '../../src/index.ts';
import { importOnnx } from '../../src/onnx/import.ts';
import { sharedFolder } from '../shared-folder.ts';

/**
 * Recorded from what `model_transform` of TPU-MLIR v1.17-20250402 writes: the first digits of the SHA-256 of its layers (type, names,
 * shapes, in order), and of all weights as float32, layer by layer.
 */
type Recorded = Readonly<Record<string, readonly [layers: string, weights?: string]>>;

const OWN: Recorded = {
  'objects-cnn': ['51629fcb24b0a5a6', 'd31e74ae90d52364'],
  'objects-mobilenetv2': ['4c94bf52b695c448', 'bc8f918df09b8157'],
  'objects-mobilenetv3': ['d77c64462e4ab734', '53bd07b467b4055d'],
  'objects-resnet': ['1952dc9ed14e9f77', '6c228a41ca6757f2'],
  'objects-vit': ['8efd91c55d1d7de5', '986caf226c7c04c0'],
  'scenes-yolov3-tiny': ['b904b42c1923d50c', 'bd8b04fb9cb8db45'],
  'scenes-yolov8': ['c638467f72a76ed5', '221fd498e64594e4'],
  'patches-espcn': ['4263f43bb119e3bd', '7263610b97ed5a03'],
  'glyphs-crnn': ['a15ee8f7e95c921e', '445d9f0cbdd76eba'],
};
/** Without silero_vad_16k and basic_pitch, for the reasons in the README; weights of PP-OCRv3 differ in the last digit of two biases. */
const PRETRAINED: Recorded = {
  mnist: ['52dc6564d78a6e77', '3f4160e36557fe17'],
  vww_96: ['9ee74ce08ae4996c', 'fa2c4b333f022184'],
  'mobilenet_v1_0.25_224': ['01042f78526e4ba5', '5b1692bf3a83e6cf'],
  blazeface: ['a93048e8c1feecc2', 'b4751b5348cd79c1'],
  'version-slim-320': ['579295546ba624ba', 'e5dec1dd9f2d91e0'],
  yunet_n_320_320: ['51b306ab3626d7e2', 'c9904cfcabff21ff'],
  nanodet_m_320: ['471054585bcfa695', '55b6f804fe7c6e5c'],
  yolox_nano: ['ed00dcdbd1d8029c', 'f24ded1c6177d68a'],
  FastestDet: ['2fb9e77487a54775', 'a0db48052ec10afb'],
  super_resolution_x3: ['abf2fa36644aac7f', 'ecc787a44866c508'],
  deeplab_v3_257: ['ea5ac25c24b28d9f', 'dfb3783497f9e7c7'],
  kwt1: ['032f56194faedb44', 'edaf3536f514d83e'],
  'ch_PP-OCRv3_det_infer': ['c0dd850d87e307c2'],
};
const SHAPES: Readonly<Record<string, number[][]>> = {
  'ch_PP-OCRv3_det_infer': [[1, 3, 640, 640]],
  'glyphs-crnn': [[1, 1, 32, 96]],
};

const own = fileURLToPath(new URL('../../../../test-models', import.meta.url));
const models = sharedFolder('models');

function open(file: string, name: string): Graph {
  const inputShapes = SHAPES[name];
  return importOnnx(readFileSync(file), { name, ...(inputShapes === undefined ? {} : { inputShapes }) });
}

/** 1.17 leaves out the `_r` of helper layers. */
function layersOf(graph: Graph): string {
  const hash = createHash('sha256');
  for (const op of graph.ops) {
    const results = op.outputs
      .filter((name) => name !== null)
      .map((name) => `${name} ${graph.values.get(name)!.shape}`);
    hash.update(`${op.type} ${results}\n`.replaceAll('_r_', '_'));
  }
  return hash.digest('hex').slice(0, 16);
}

function weightsOf(graph: Graph): string {
  const hash = createHash('sha256');
  for (const input of graph.ops.flatMap((op) => op.inputs)) {
    const weight = graph.weights.get(input ?? '');
    if (weight !== undefined) hash.update(new Uint8Array(Float32Array.from(weight.data as Float32Array).buffer));
  }
  return hash.digest('hex').slice(0, 16);
}

function expectRecorded(graph: Graph, [layers, weights]: Recorded[string]): void {
  expect(layersOf(graph)).toBe(layers);
  if (weights !== undefined) expect(weightsOf(graph)).toBe(weights);
}

describe("layers and weights are TPU-MLIR's", () => {
  test.each(Object.entries(OWN))('%s', (name, recorded) => {
    expectRecorded(open(`${own}/${name}/${name}.onnx`, name), recorded);
  });

  test.skipIf(models === undefined).each(Object.entries(PRETRAINED))('%s', (name, recorded) => {
    expectRecorded(open(`${models}/${name}.onnx`, name), recorded);
  });
});
