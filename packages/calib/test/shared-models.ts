import { existsSync, readFileSync } from 'node:fs';
import { type Dataset, openDataset } from '@q/dataset';
import type { Graph } from '@q/ir';
import { type ImportOptions, importOnnx } from '@q/ir/onnx';

/** Models and data that lie beside the repository; tests that need them are skipped, loudly, where they are missing. */
export const shared = process.env.Q_SHARED ?? new URL('../../../../shared', import.meta.url).pathname;
export const sharedAvailable = existsSync(`${shared}/data/reference`);
if (!sharedAvailable) console.warn(`SKIPPED: no ${shared}; published calibration tables are not reproduced.`);

export interface SharedModel {
  readonly model: string;
  readonly shape: readonly number[];
  readonly order: string;
  readonly preprocess: NonNullable<ImportOptions['preprocess']>;
}

export const sharedModels = {
  mnist: {
    model: 'mnist',
    shape: [1, 1, 28, 28],
    order: 'mnist',
    preprocess: { pixelFormat: 'gray', mean: [0], scale: [0.00392156862745098] },
  },
  blazeface: {
    model: 'blazeface',
    shape: [1, 3, 128, 128],
    order: 'wider',
    preprocess: { pixelFormat: 'rgb', mean: [1, 1, 1], scale: [0.0078, 0.0078, 0.0078] },
  },
  pp_ocr_det: {
    model: 'ch_PP-OCRv3_det_infer',
    shape: [1, 3, 640, 640],
    order: 'ocr_raw',
    preprocess: { pixelFormat: 'bgr', mean: [123.675, 116.28, 103.53], scale: [0.017, 0.0175, 0.0174] },
  },
} as const satisfies Record<string, SharedModel>;

export function loadGraph({ model, shape, preprocess }: SharedModel): Graph {
  const bytes = new Uint8Array(readFileSync(`${shared}/models/${model}.onnx`));
  return importOnnx(bytes, { name: model, inputShapes: [[...shape]], preprocess });
}

/** The first `inputNum` samples of the model's order list. */
export function loadDataset(graph: Graph, { order }: SharedModel, inputNum: number): Promise<Dataset> {
  return openDataset({
    graph,
    source: { list: async () => [], read: async (path) => new Uint8Array(readFileSync(`${shared}/data/${path}`)) },
    dataList: readFileSync(`${shared}/data/orders/${order}.txt`, 'utf8'),
    inputNum,
  });
}
