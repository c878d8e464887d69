import { existsSync, readFileSync } from 'node:fs';
import { readNpz } from '@q/ir';
import { describe, expect, it } from 'vitest';
import { openDataset } from '../src/index.ts';
import { type InputAttributes, inputGraph } from './input-graph.ts';

const shared = process.env.Q_SHARED ?? new URL('../../../../shared', import.meta.url).pathname;
const available = existsSync(`${shared}/data/reference`);
if (!available) console.warn(`SKIPPED: no ${shared}/data/reference; inputs are not compared with OpenCV's.`);

interface Case {
  readonly model: string;
  readonly order: string;
  readonly samples: number;
  readonly shape: readonly number[];
  readonly attributes: InputAttributes;
}
const rgb127 = { pixelFormat: 'rgb', mean: [127.5, 127.5, 127.5], scale: [1 / 127.5, 1 / 127.5, 1 / 127.5] };
// shared/models/README.md, "Inputs, preprocessing": the stored inputs were made with OpenCV.
const cases: Case[] = [
  {
    model: 'mnist',
    order: 'mnist',
    samples: 2,
    shape: [1, 1, 28, 28],
    attributes: { pixelFormat: 'gray', mean: [0], scale: [1 / 255] },
  },
  {
    model: 'blazeface',
    order: 'wider',
    samples: 2,
    shape: [1, 3, 128, 128],
    attributes: { pixelFormat: 'rgb', mean: [1, 1, 1], scale: [0.0078, 0.0078, 0.0078] },
  },
  {
    model: 'ch_PP-OCRv3_det_infer',
    order: 'ocr_raw',
    samples: 1,
    shape: [1, 3, 640, 640],
    attributes: { mean: [123.675, 116.28, 103.53], scale: [0.017, 0.0175, 0.0174] },
  },
  {
    model: 'version-slim-320',
    order: 'wider',
    samples: 2,
    shape: [1, 3, 240, 320],
    attributes: { pixelFormat: 'rgb', mean: [127, 127, 127], scale: [1 / 128, 1 / 128, 1 / 128] },
  },
  { model: 'yunet_n_320_320', order: 'wider', samples: 2, shape: [1, 3, 320, 320], attributes: {} },
  {
    model: 'mobilenet_v1_0.25_224',
    order: 'imagenet',
    samples: 2,
    shape: [1, 3, 224, 224],
    attributes: { ...rgb127, resizeDims: [256, 256], keepAspectRatio: true, keepRatioMode: 'short_side_scale' },
  },
  {
    model: 'yolox_nano',
    order: 'coco',
    samples: 1,
    shape: [1, 3, 416, 416],
    attributes: { keepAspectRatio: true, padType: 'normal', padValue: 114 },
  },
  {
    model: 'deeplab_v3_257',
    order: 'coco',
    samples: 1,
    shape: [1, 257, 257, 3],
    attributes: { ...rgb127, channelFormat: 'nhwc' },
  },
  {
    model: 'vww_96',
    order: 'coco',
    samples: 2,
    shape: [1, 3, 96, 96],
    attributes: { pixelFormat: 'rgb', scale: [1 / 255, 1 / 255, 1 / 255], mean: [0, 0, 0] },
  },
];

describe.skipIf(!available)('inputs equal those made with OpenCV', () => {
  for (const { model, order, samples, shape, attributes } of cases) {
    it(model, async () => {
      const dataset = await openDataset({
        source: { list: async () => [], read: async (path) => new Uint8Array(readFileSync(`${shared}/data/${path}`)) },
        graph: inputGraph({ x: { shape, attributes } }),
        dataList: readFileSync(`${shared}/data/orders/${order}.txt`, 'utf8'),
        inputNum: samples,
      });
      expect(dataset.length).toBe(samples);
      for (let i = 0; i < samples; i++) {
        const file = `${shared}/data/reference/float_outputs/${model}/sample_${i}_in.npz`;
        const [stored] = readNpz(new Uint8Array(readFileSync(file)), file).values();
        const ours = (await dataset.sample(i)).get('x')!;
        expect(ours.length).toBe(stored!.data.length);
        expect(largestUlps(ours, stored!.data as Float32Array)).toBeLessThanOrEqual(2);
      }
    });
  }
});

/** Largest difference in units of float32 rounding at the size of the largest value: the references divide where TPU-MLIR multiplies. */
function largestUlps(a: Float32Array, b: Float32Array): number {
  let difference = 0;
  let size = 0;
  for (let i = 0; i < a.length; i++) {
    difference = Math.max(difference, Math.abs(a[i]! - b[i]!));
    size = Math.max(size, Math.abs(b[i]!));
  }
  return difference / (size * 2 ** -23);
}
