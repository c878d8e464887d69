import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { objectsPreprocess, q, testModel } from './q-process.ts';

const model = testModel('objects-cnn/objects-cnn.onnx');

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'q-inspect-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('inspect', () => {
  it('says what an ONNX model is made of and where its layers run', () => {
    const { status, stdout, stderr } = q(folder, 'inspect', model, '--processor', 'bm1684x');
    expect(status, stderr).toBe(0);
    expect(stdout).toMatch(/^input\s+image\s+\[1,3,64,64\]\s+f32$/m);
    expect(stdout).toMatch(/^output\s+logits_Gemm\s+\[1,20\]\s+f32$/m);
    expect(stdout).toMatch(/^top\.Conv\s+28\s+7,399,936$/m);
    expect(stdout).toMatch(/^peak activations\s+[\d,]+ bytes$/m);
    expect(stdout).toMatch(/^on bm1684x: 38 INT8$/m);
    expect(stdout).toMatch(/^logits_Gemm\s+top\.MatMul\s+INT8\s+F16 BF16 F32\b/m);
  });

  it('gives the same for the .mlir of that model, as JSON', () => {
    const words = ['--model_name', 'objects_cnn', '--model_def', model, '--mlir', 'objects_cnn.mlir'];
    expect(q(folder, 'model_transform', ...words, ...objectsPreprocess).status).toBe(0);
    const [fromOnnx, fromMlir] = [model, 'objects_cnn.mlir'].map((file) => {
      const { status, stdout, stderr } = q(folder, 'inspect', file, '--processor', 'k1', '--json');
      expect(status, stderr).toBe(0);
      return JSON.parse(stdout);
    });
    expect(fromMlir.summary.macs).toBe(7_405_696);
    expect(fromMlir.summary.operators).toEqual(fromOnnx.summary.operators);
    expect(fromMlir.activations).toEqual(fromOnnx.activations);
    expect(fromMlir.processor).toEqual(fromOnnx.processor);
    expect(fromMlir.processor.refused).toEqual([]);
  });

  it('lists every unsupported operator, prints the rest, and fails', () => {
    // Same length, so the protobuf around the names stays valid.
    const text = readFileSync(model)
      .toString('latin1')
      .replaceAll('MaxPool', 'MagPool')
      .replaceAll('Flatten', 'Flaxxen');
    writeFileSync(join(folder, 'strange.onnx'), Buffer.from(text, 'latin1'));
    const { status, stdout, stderr } = q(folder, 'inspect', 'strange.onnx');
    expect(status).toBe(1);
    expect(stderr).toMatch(/onnx\.unsupported-operator: .*; found MagPool;/);
    expect(stderr).toMatch(/onnx\.unsupported-operator: .*; found Flaxxen;/);
    expect(stdout).toMatch(/^Conv\s+28$/m);
    // The stem and the first block lie before the first pool.
    expect(stdout).toMatch(/^top\.Conv\s+3\s+[\d,]+$/m);
  });
});
