import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { q, testModel } from './q-process.ts';

const prototxt = `name: "tiny"
input: "data" input_shape { dim: 1 dim: 3 dim: 64 dim: 64 }
layer { name: "conv" type: "Convolution" bottom: "data" top: "conv" convolution_param { num_output: 2 kernel_size: 1 } }
layer { name: "relu" type: "ReLU" bottom: "conv" top: "conv" }
layer { name: "pool" type: "Pooling" bottom: "conv" top: "pool" pooling_param { pool: MAX kernel_size: 3 stride: 2 } }
`;

/** A length-delimited protobuf field; all sizes here need at most two bytes. */
function field(number: number, bytes: readonly number[]): number[] {
  const key = number * 8 + 2;
  const varint = (value: number) => (value < 128 ? [value] : [(value & 127) | 128, value >> 7]);
  return [...varint(key), ...varint(bytes.length), ...bytes];
}

const floats = (...values: number[]) =>
  field(7, [
    ...field(7, field(1, [values.length])),
    ...field(5, [...new Uint8Array(Float32Array.from(values).buffer)]),
  ]);
const text = (value: string) => [...new TextEncoder().encode(value)];

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'q-caffe-'));
  writeFileSync(join(folder, 'tiny.prototxt'), prototxt);
  const layer = [...field(1, text('conv')), ...floats(1, -1, 0.5, 0.25, 0.5, -0.75), ...floats(0.5, -0.5)];
  writeFileSync(join(folder, 'tiny.caffemodel'), Uint8Array.from(field(100, layer)));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('Caffe networks', () => {
  it('model_transform writes them as .mlir', () => {
    const words = ['--model_name', 'tiny', '--model_def', 'tiny.prototxt', '--mlir', 'tiny.mlir'];
    const outcome = q(
      folder,
      'model_transform',
      ...words,
      '--model_data',
      'tiny.caffemodel',
      '--scale',
      '0.01,0.01,0.01',
    );
    expect(outcome.status, outcome.stderr).toBe(0);
    const mlir = readFileSync(join(folder, 'tiny.mlir'), 'utf8');
    expect(mlir).toContain('module.platform = "CAFFE"');
    // 64 → ceil((64 − 3) / 2) + 1 = 32
    expect(mlir).toMatch(/"top\.MaxPool".*-> tensor<1x2x32x32xf32>/);
  });

  it('quantize takes them with their caffemodel', () => {
    const images = testModel('objects-cnn/calibration.zip');
    const words = ['tiny.prototxt', '--dataset', images, '--input_num', '3', '-o', 'out', '--scale', '0.01,0.01,0.01'];
    const missing = q(folder, 'quantize', ...words);
    expect(missing.status).toBe(1);
    expect(missing.stderr).toMatch(/--model_data.*\n?.*caffemodel|caffemodel.*\[cli\.missing-flag\]/);
    const outcome = q(folder, 'quantize', ...words, '--model_data', 'tiny.caffemodel');
    expect(outcome.status, outcome.stderr).toBe(0);
    expect(outcome.stdout).toMatch(/^bm1684x\s+INT8\s+0\.99\d+/m);
    expect(existsSync(join(folder, 'out', 'tiny_cali_table'))).toBe(true);
  });

  it('inspect counts one without its weights', () => {
    const { status, stdout, stderr } = q(folder, 'inspect', 'tiny.prototxt', '--processor', 'bm1684x');
    expect(status, stderr).toBe(0);
    expect(stdout).toMatch(/^top\.Conv\s+1\s+24,576$/m);
    expect(stdout).toMatch(/^parameters\s+8$/m);
  });
});
