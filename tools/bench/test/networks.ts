import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { type Dataset, type DatasetSource, openDataset, zipSource } from '@q/dataset';
import type { Graph } from '@q/ir';
import { importOnnx, type PreprocessOptions } from '@q/ir/onnx';

const root = fileURLToPath(new URL('../../../', import.meta.url));
const shared = process.env.Q_SHARED ?? `${root}../shared`;

export interface Network {
  readonly name: string;
  readonly bytes: Uint8Array;
  readonly graph: Graph;
  readonly samples: Dataset;
}

interface Description {
  readonly model: string;
  readonly images: string;
  readonly preprocess: PreprocessOptions;
}

const thirds = (value: number): number[] => [value, value, value];

/** What each network is fed with, from test-models/…/README.md and ../shared/models/README.md. */
const descriptions: Readonly<Record<string, Description>> = {
  'objects-cnn': {
    model: `${root}test-models/objects-cnn/objects-cnn.onnx`,
    images: `${root}test-models/objects-cnn/calibration.zip`,
    preprocess: { pixelFormat: 'rgb', mean: thirds(127.5), scale: thirds(0.0078431) },
  },
  // A classifier and two detectors that were trained by others.
  vww_96: {
    model: `${shared}/models/vww_96.onnx`,
    images: `${shared}/data/coco`,
    preprocess: { pixelFormat: 'rgb', scale: thirds(1 / 255) },
  },
  blazeface: {
    model: `${shared}/models/blazeface.onnx`,
    images: `${shared}/data/wider`,
    preprocess: { pixelFormat: 'rgb', mean: thirds(1), scale: thirds(0.0078) },
  },
  nanodet_m_320: {
    model: `${shared}/models/nanodet_m_320.onnx`,
    images: `${shared}/data/coco`,
    preprocess: {
      pixelFormat: 'bgr',
      keepAspectRatio: true,
      mean: [103.53, 116.28, 123.675],
      scale: [1 / 57.375, 1 / 57.12, 1 / 58.395],
    },
  },
};

export const networkNames: readonly string[] = Object.keys(descriptions);

/** Whether the files of a network are on this machine; says so when they are not. */
export function isPresent(name: string): boolean {
  const { model, images } = descriptions[name]!;
  if (existsSync(model) && existsSync(images)) return true;
  console.warn(`SKIPPED: ${name} is not on this machine (it lies in ../shared, or where Q_SHARED points)`);
  return false;
}

function sourceOf(images: string): DatasetSource {
  if (images.endsWith('.zip')) return zipSource(readFileSync(images), images);
  return { list: async () => readdirSync(images), read: async (path) => readFileSync(`${images}/${path}`) };
}

/** A network and its first `count` calibration samples. */
export async function openNetwork(name: string, count: number): Promise<Network> {
  const { model, images, preprocess } = descriptions[name]!;
  const bytes = readFileSync(model);
  const graph = importOnnx(bytes, { name: name.replaceAll('-', '_'), preprocess });
  return {
    name,
    bytes,
    graph,
    samples: await openDataset({ source: sourceOf(images), graph, inputNum: count, where: images }),
  };
}
