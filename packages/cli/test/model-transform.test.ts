import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readNpz, type Tensor, writeNpz } from '@q/ir';
import { unzipSync } from 'fflate';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Outcome, objectsPreprocess, q, testModel } from './q-process.ts';

let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'q-transform-'));
  const images = unzipSync(readFileSync(testModel('objects-cnn/calibration.zip')));
  writeFileSync(join(folder, 'sample.jpg'), images['calib_000.jpg']!);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function transform(...more: string[]): Outcome {
  const model = testModel('objects-cnn/objects-cnn.onnx');
  const fixed = ['--model_name', 'objects', '--model_def', model, '--mlir', 'objects.mlir', ...objectsPreprocess];
  return q(folder, 'model_transform', ...fixed, '--test_input', 'sample.jpg', '--test_result', 'top.npz', ...more);
}

const tensors = (name: string) => readNpz(readFileSync(join(folder, name)), name);

describe('model_transform --test_input', () => {
  it('compares the network with itself node by node, and keeps that run with --debug', () => {
    const { status, stdout, stderr } = transform('--debug');
    expect(status, stderr).toBe(0);
    expect(stdout).toMatch(/^\[logits_Gemm +\] +(EQUAL|CLOSE) \[PASSED\]$/m);
    expect(stdout).toMatch(/^npz compare PASSED\.$/m);
    expect(stdout).toContain('[Success]: npz_tool.py compare top.npz objects_ref_outputs.npz --tolerance 0.99,0.99');
    // Convolutions that a Relu was fused into exist node by node only.
    const inside = [...tensors('objects_ref_outputs.npz').keys()].filter((name) => !tensors('top.npz').has(name));
    expect(inside.length).toBeGreaterThan(0);
    expect(inside.every((name) => name.endsWith('_Conv') || name.endsWith('_BatchNormalization'))).toBe(true);
    const origin = readFileSync(join(folder, 'objects_origin.mlir'), 'utf8');
    expect(origin).toContain('"top.Relu"');
    expect(existsSync(join(folder, 'objects_top_f32_all_origin_weight.npz'))).toBe(false);
  });

  it('compares with results of the framework under its own tensor names', () => {
    const logits = tensors('top.npz').get('logits_Gemm')!;
    writeFileSync(join(folder, 'framework.npz'), writeNpz(new Map([['logits', logits]])));
    const { status, stdout, stderr } = transform('--test_reference', 'framework.npz');
    expect(status, stderr).toBe(0);
    expect(stdout).toMatch(/^\[logits_Gemm +\] +EQUAL \[PASSED\]$/m);
    expect(stdout).toMatch(/^1 compared$/m);
  });

  it('exits 255 when the results differ, and refuses a reference of another network', () => {
    const logits = tensors('top.npz').get('logits_Gemm')!;
    const wrong: Tensor = { ...logits, data: Float32Array.from(logits.data as Float32Array).reverse() };
    writeFileSync(join(folder, 'wrong.npz'), writeNpz(new Map([['logits', wrong]])));
    const failed = transform('--test_reference', 'wrong.npz');
    expect(failed.stdout).toMatch(/^npz compare FAILED\.$/m);
    expect(failed.status).toBe(255);
    const excepted = transform('--test_reference', 'wrong.npz', '--excepts', 'logits_Gemm');
    expect(excepted.status).toBe(1);
    expect(excepted.stderr).toContain('cli.nothing-to-compare');
  });
});
