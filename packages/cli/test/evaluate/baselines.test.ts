import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { decodeImage, resizeBilinear } from '@q/dataset';
import { type Tensor, writeNpz } from '@q/ir';
import { expect, test } from 'vitest';
import { testModel } from '../q-process.ts';
import { runHere } from '../run-here.ts';

const shared = process.env.Q_SHARED ?? testModel('../../shared');
const models = join(shared, 'models');
const data = join(shared, 'data');
const TIMEOUT = { timeout: 600_000 };

/** Published float figures of real networks; the detectors take a minute each, so they want to be asked for. */
function needs(skip: (reason: string) => void, isSlow: boolean): void {
  if (!existsSync(models)) {
    console.warn(`SKIPPED: no ${models}: no published figure was compared`);
    skip('no shared models');
  }
  if (isSlow && process.env.Q_BASELINES !== '1') {
    console.warn('SKIPPED: the average precision of FastestDet, yolox and nanodet; Q_BASELINES=1 measures it');
    skip('slow');
  }
}

async function figures(...words: string[]): Promise<Record<string, number>> {
  const folder = mkdtempSync(join(tmpdir(), 'q-baseline-'));
  try {
    const outcome = await runHere('evaluate', ...words, '-o', folder);
    expect(outcome.status, outcome.stderr).toBe(0);
    const json = readdirSync(folder).find((name) => name.endsWith('.json'))!;
    const report = JSON.parse(readFileSync(join(folder, json), 'utf8')) as {
      networks: { figures: Record<string, number> }[];
    };
    return report.networks[0]!.figures;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Prepared samples in a folder of their own, for `use`. */
async function withPrepared<T>(
  make: (folder: string) => Promise<void>,
  use: (folder: string) => Promise<T>,
): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), 'q-prepared-'));
  try {
    await make(folder);
    return await use(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const f32 = (shape: number[], values: Float32Array): Tensor => ({ shape, dtype: 'f32', data: values });

test('keyword transformer: 92.5 % of 120 clips', TIMEOUT, async ({ skip }) => {
  needs(skip, false);
  const found = await figures(
    join(models, 'kwt1.onnx'),
    '--dataset',
    join(data, 'speech/kwt_mfcc_eval.npz'),
    '--channel_format',
    'none',
  );
  expect(found.top1).toBeCloseTo(0.925, 6);
});

/** Short side 256 with the other side rounded, centre crop 224, RGB in -1..1: the published preparation. TPU-MLIR truncates. */
async function prepareImageNet(folder: string): Promise<void> {
  const rows = readFileSync(join(data, 'imagenet/labels.csv'), 'utf8').trim().split('\n').slice(1);
  const area = 224 * 224;
  const pixels = new Float32Array(rows.length * 3 * area);
  const labels = new Int32Array(rows.length);
  for (const [row, line] of rows.entries()) {
    const [file, , label] = line.split(',') as [string, string, string];
    labels[row] = Number(label);
    const image = await decodeImage(readFileSync(join(data, 'imagenet', file)), 'bgr', file);
    const scale = 256 / Math.min(image.width, image.height);
    const resized = resizeBilinear(image, Math.round(image.width * scale), Math.round(image.height * scale));
    const [left, top] = [(resized.width - 224) >> 1, (resized.height - 224) >> 1];
    for (let i = 0; i < area; i++) {
      const from = 3 * ((top + Math.floor(i / 224)) * resized.width + left + (i % 224));
      for (let c = 0; c < 3; c++) pixels[(row * 3 + c) * area + i] = (resized.data[from + 2 - c]! - 127.5) / 127.5;
    }
  }
  const arrays = new Map<string, Tensor>([
    ['input', f32([rows.length, 3, 224, 224], pixels)],
    ['label', { shape: [rows.length], dtype: 'i32', data: labels }],
  ]);
  writeFileSync(join(folder, 'imagenet.npz'), writeNpz(arrays));
}

test('MobileNet v1: top-1 63.0 %, top-5 84.0 % of 100 images', TIMEOUT, async ({ skip }) => {
  needs(skip, false);
  const found = await withPrepared(prepareImageNet, (folder) =>
    figures(join(models, 'mobilenet_v1_0.25_224.onnx'), '--dataset', join(folder, 'imagenet.npz')),
  );
  expect(found.top1).toBeCloseTo(0.63, 6);
  expect(found.top5).toBeCloseTo(0.84, 6);
});

test(
  'the same through the preprocessing of TPU-MLIR, which truncates sizes: one image of 100 is lost',
  TIMEOUT,
  async ({ skip }) => {
    needs(skip, false);
    const folder = join(data, 'imagenet');
    const found = await figures(
      join(models, 'mobilenet_v1_0.25_224.onnx'),
      ...[
        '--dataset',
        folder,
        '--labels',
        join(folder, 'labels.csv'),
        '--pixel_format',
        'rgb',
        '--resize_dims',
        '256,256',
      ],
      ...[
        '--keep_aspect_ratio',
        '--keep_ratio_mode',
        'short_side_scale',
        '--mean',
        '127.5',
        '--scale',
        '0.00784313725',
      ],
    );
    expect(found.top1).toBeCloseTo(0.62, 6);
  },
);

const annotations = join(data, 'coco/instances_100_boxes.json');

test('FastestDet: AP 0.146, AP50 0.275, boxes not cut at the borders', TIMEOUT, async ({ skip }) => {
  needs(skip, true);
  const preparation = ['--scale', '0.00392156863', '--interpolation', 'area'];
  const found = await figures(
    join(models, 'FastestDet.onnx'),
    '--dataset',
    join(data, 'coco'),
    '--annotations',
    annotations,
    '--head',
    'fastestdet',
    '--best_class',
    '--unclipped',
    ...preparation,
  );
  expect(found.AP).toBeCloseTo(0.146, 3);
  expect(found.AP50).toBeCloseTo(0.275, 3);
});

test('YOLOX-nano: AP 0.272, AP50 0.424', TIMEOUT, async ({ skip }) => {
  needs(skip, true);
  const preparation = ['--keep_aspect_ratio', '--pad_type', 'normal', '--pad_value', '114', '--head', 'yolox'];
  const found = await figures(
    join(models, 'yolox_nano.onnx'),
    '--dataset',
    join(data, 'coco'),
    '--annotations',
    annotations,
    ...preparation,
  );
  expect(found.AP).toBeCloseTo(0.272, 3);
  expect(found.AP50).toBeCloseTo(0.424, 3);
});

test('NanoDet-m: AP 0.215, AP50 0.357', TIMEOUT, async ({ skip }) => {
  needs(skip, true);
  const preparation = [
    '--keep_aspect_ratio',
    '--interpolation',
    'area',
    '--mean',
    '103.53,116.28,123.675',
    '--scale',
    '0.017429194,0.017507003,0.017124754',
  ];
  const words = ['--dataset', join(data, 'coco'), '--annotations', annotations, '--head', 'nanodet', ...preparation];
  const found = await figures(join(models, 'nanodet_m_320.onnx'), ...words);
  expect(found.AP).toBeCloseTo(0.215, 3);
  expect(found.AP50).toBeCloseTo(0.357, 3);
});
