import { createHash } from 'node:crypto';
import { rmSync } from 'node:fs';
import { readContainer, readNpz } from '@q/ir';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { objectsPreprocess, testModel } from '../q-process.ts';
import { runHere } from '../run-here.ts';
import { type DeployFolder, objectsFolder } from './objects.ts';

/**
 * Recorded with TPU-MLIR 1.17: its `model_runner --out_fixed --dump_all_tensors` on the lowered module of `model_deploy
 * --fuse_preprocess`, for the pixels of calib_000.jpg. `layers` is the SHA-256 (first 16 digits) of the codes of all
 * layers but the last cast, in the order of the module.
 */
const recorded = [
  {
    name: 'one mean per channel: a table per channel',
    transform: ['--mean', '120,127.5,100'],
    deploy: [],
    first: ['image_raw', 'image_preprocess_scale_lut'],
    layers: '47380a0851f18727',
    logits: [86, -1, -11, -9, -21, -19, -30, -25, -19, -24, -13, 9, -9, -17, -27, -10, 1, 0, -21, -7],
  },
  {
    name: 'packed pixels in the other order: filters are reordered',
    transform: [],
    deploy: ['--customization_format', 'BGR_PACKED'],
    first: ['image_raw', 'image_preprocess_transpose', 'image_preprocess_lut'],
    layers: 'bda302d2672f41fd',
    logits: [90, 0, -13, -11, -24, -21, -33, -26, -21, -26, -14, 13, -11, -17, -29, -10, 1, 0, -21, -7],
  },
  {
    name: 'a crop behind a larger resize',
    transform: ['--resize_dims', '72,80'],
    deploy: [],
    first: ['image_raw', 'image_preprocess_slice', 'image_preprocess_lut'],
    layers: '9a804667077da553',
    logits: [52, -16, -8, -11, -26, -19, -33, -20, -21, -29, 4, 20, -8, -13, -28, -16, 11, -6, -17, 18],
  },
  {
    name: 'CV18xx',
    transform: ['--mean', '120,127.5,100'],
    deploy: ['--processor', 'cv183x'],
    first: ['image_raw', 'image_preprocess_scale_lut'],
    layers: 'd892689ee5430de3',
    logits: [86, -1, -13, -10, -21, -19, -29, -25, -20, -25, -13, 9, -10, -15, -27, -11, 0, 0, -20, -7],
  },
] as const;

let folder: DeployFolder;
beforeAll(async () => {
  folder = await objectsFolder();
});
afterAll(() => rmSync(folder.path, { recursive: true, force: true }));

async function transform(...more: readonly string[]): Promise<void> {
  const words = ['--model_name', 'objects_cnn', '--model_def', testModel('objects-cnn/objects-cnn.onnx')];
  const files = ['--mlir', folder.file('objects_cnn.mlir')];
  const outcome = await runHere('model_transform', ...words, ...files, ...objectsPreprocess, ...more);
  expect(outcome.status, outcome.stderr).toBe(0);
}

describe('model_deploy --fuse_preprocess', () => {
  it.each(recorded)('gives the codes of TPU-MLIR: $name', async ({ transform: how, deploy, first, layers, logits }) => {
    await transform(...how);
    const outcome = await folder.deploy(
      ...deploy,
      ...['--fuse_preprocess', '--model', folder.file('net.bmodel'), '--test_input', folder.file('sample.jpg')],
    );
    expect(outcome.status, outcome.stderr).toBe(0);
    const { metadata } = readContainer(folder.read('net.bmodel'));
    expect(metadata.inputs).toMatchObject([{ name: 'image_raw', dtype: 'u8', scale: 1 }]);
    const words = ['--input', folder.file('objects_cnn_in_ori.npz'), '--model', folder.file('net.bmodel')];
    await runHere('model_runner', ...words, '--output', folder.file('all.npz'), '--dump_all_tensors', '--out_fixed');
    const tensors = readNpz(folder.read('all.npz'));
    expect([...tensors.keys()].slice(0, first.length)).toEqual(first);
    expect([...tensors.get('logits_Gemm')!.data]).toEqual(logits);
    const hash = createHash('sha256');
    for (const [name, { data }] of tensors) {
      if (name !== 'logits_Gemm_f32') hash.update(Uint8Array.from(data as Float32Array));
    }
    expect(hash.digest('hex').slice(0, 16)).toBe(layers);
  });

  it('keeps float layers float: a cast and a depthwise convolution', async () => {
    await transform();
    const outcome = await folder.deploy(
      ...['--quantize', 'F16', '--fuse_preprocess', '--test_input', folder.file('sample.jpg')],
    );
    expect(outcome.status, outcome.stderr).toBe(0);
    const text = folder.read('objects_cnn_bm1684x_f16_tpu.mlir').toString('utf8');
    expect(text).toContain('loc("image_rawimage_preprocess_f16")');
    expect(text).toContain('loc("image_preprocess_dwconv")');
    expect(outcome.stdout).toMatch(/^\[logits_Gemm +\] +(SIMILAR|CLOSE) \[PASSED\]$/m);
  });

  it('refuses formats and processors by name', async () => {
    await transform();
    for (const [words, fact] of [
      [['--fuse_preprocess', '--customization_format', 'YUV_NV12'], /YUV_NV12/],
      [['--fuse_preprocess', '--customization_format', 'GRAYSCALE'], /GRAYSCALE/],
      [['--fuse_preprocess', '--processor', 'bm1684'], /bm1684/],
      [['--fuse_preprocess', '--aligned_input'], /--aligned_input/],
      [['--customization_format', 'RGB_PLANAR'], /--customization_format needs --fuse_preprocess/],
    ] as const) {
      const { status, stderr } = await folder.deploy(...words);
      expect(status, stderr).toBe(1);
      expect(stderr).toMatch(fact);
    }
  });
});
