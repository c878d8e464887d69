import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { unzipSync } from 'fflate';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Outcome, objectsPreprocess, q, testModel } from './q-process.ts';

const model = testModel('objects-cnn/objects-cnn.onnx');
const images = testModel('objects-cnn/calibration.zip');
const labels = testModel('objects-cnn/labels.csv');
const processors = ['bm1684x', 'k1'] as const;

let folder: string;
let outcome: Outcome;

function read(...path: string[]): Buffer {
  return readFileSync(join(folder, ...path));
}

function quantize(output: string, ...more: string[]): Outcome {
  return q(
    folder,
    'quantize',
    model,
    '--dataset',
    images,
    '--input_num',
    '12',
    '--labels',
    labels,
    '--processor',
    processors.join(','),
    '-o',
    output,
    ...objectsPreprocess,
    ...more,
  );
}

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'q-flow-'));
  outcome = quantize('one', '--workers', '1');
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('quantize', () => {
  it('ends with the comparison table and the paths of what it wrote', () => {
    expect(outcome.stderr).not.toMatch(/error/);
    expect(outcome.status).toBe(0);
    expect(outcome.stdout).toMatch(/^processor\s+type\s+cosine\s+SQNR dB\s+top-1\s+note$/m);
    for (const processor of processors)
      expect(outcome.stdout).toMatch(new RegExp(`^${processor}\\s+INT8\\s+0\\.99\\d+`, 'm'));
    const written = [...outcome.stdout.matchAll(/^ {2}(one\/\S+): /gm)].map((match) => match[1]!.slice('one/'.length));
    expect(written.sort()).toEqual(readdirSync(join(folder, 'one')).sort());
  });

  it('reports the same figures as JSON', () => {
    const report = JSON.parse(read('one', 'report.json').toString('utf8'));
    expect(report).toMatchObject({ model: 'objects_cnn', samples: 12 });
    expect(report.results.map((result: { processor: string }) => result.processor)).toEqual([...processors]);
    for (const result of report.results) {
      expect(result.outputs).toHaveLength(1);
      expect(result.outputs[0].cosine).toBeGreaterThan(0.99);
      expect(result.outputs[0].sqnrDb).toBeGreaterThan(15);
      for (const name of result.artefacts) expect(readdirSync(join(folder, 'one'))).toContain(name);
    }
  });

  it('gives the same bytes with two workers', () => {
    const second = quantize('two', '--workers', '2');
    expect(second.status, second.stderr).toBe(0);
    for (const name of readdirSync(join(folder, 'one'))) {
      expect(read('two', name).equals(read('one', name)), name).toBe(true);
    }
  });
});

describe('the commands of TPU-MLIR', () => {
  it('model_transform, run_calibration and model_deploy write what quantize writes', () => {
    const transform = q(
      folder,
      'model_transform',
      '--model_name',
      'objects_cnn',
      '--model_def',
      model,
      '--mlir',
      'objects_cnn.mlir',
      ...objectsPreprocess,
    );
    expect(transform.status, transform.stderr).toBe(0);
    expect(transform.stdout).toMatch(/^TPU-MLIR v/);
    expect(transform.stdout).toContain('Mlir file generated:objects_cnn.mlir');
    expect(read('objects_cnn.mlir').equals(read('one', 'objects_cnn.mlir'))).toBe(true);

    const calibration = q(
      folder,
      'run_calibration',
      'objects_cnn.mlir',
      '--dataset',
      images,
      '--input_num=12',
      '-o',
      'objects_cnn_cali_table',
    );
    expect(calibration.status, calibration.stderr).toBe(0);
    expect(read('objects_cnn_cali_table').equals(read('one', 'objects_cnn_cali_table'))).toBe(true);

    const deploy = q(
      folder,
      'model_deploy',
      '--mlir',
      'objects_cnn.mlir',
      '--quantize',
      'INT8',
      '--chip',
      'bm1684x',
      '--calibration_table',
      'objects_cnn_cali_table',
    );
    expect(deploy.status, deploy.stderr).toBe(0);
    const name = 'objects_cnn_bm1684x_int8_sym_tpu.mlir';
    expect(read(name).equals(read('one', name))).toBe(true);
  });

  it('model_deploy verifies against the float network and exits 255 below the tolerance', () => {
    const words = (tolerance: string) => [
      'model_deploy',
      '--mlir',
      'objects_cnn.mlir',
      '--quantize',
      'INT8',
      '--processor',
      'bm1684x',
      '--calibration_table',
      'objects_cnn_cali_table',
      '--test_input',
      'objects_cnn_in_f32.npz',
      '--tolerance',
      tolerance,
    ];
    writeFileSync(join(folder, 'sample.jpg'), unzipSync(readFileSync(images))['calib_000.jpg']!);
    const transform = q(
      folder,
      'model_transform',
      '--model_name',
      'objects_cnn',
      '--model_def',
      model,
      '--mlir',
      'objects_cnn.mlir',
      '--test_input',
      'sample.jpg',
      '--test_result',
      'top_outputs.npz',
      ...objectsPreprocess,
    );
    expect(transform.status, transform.stderr).toBe(0);
    const good = q(folder, ...words('0.9,0.8'));
    expect(good.stdout).toMatch(/npz compare PASSED\.$/m);
    expect(good.status, good.stderr).toBe(0);
    const bad = q(folder, ...words('0.9999999,0.9999999'));
    expect(bad.stdout).toMatch(/npz compare FAILED\.$/m);
    expect(bad.status).toBe(255);
  });

  it('fp_forward writes a quantize table that model_deploy honours', () => {
    const forward = q(
      folder,
      'fp_forward',
      'objects_cnn.mlir',
      '--quantize',
      'INT8',
      '--processor',
      'bm1684x',
      '--fpfwd_outputs',
      'logits_Gemm',
      '-o',
      'qtable',
    );
    expect(forward.status, forward.stderr).toBe(0);
    expect(read('qtable').toString('utf8').split('\n').slice(1)).toEqual([
      '# chip: bm1684x  mix_mode: F16',
      '# number of F16 layer: 1',
      '###',
      '# op_name   quantize_mode',
      'logits_Gemm F16',
      '',
    ]);
    const deploy = q(
      folder,
      'model_deploy',
      '--mlir',
      'objects_cnn.mlir',
      '--quantize',
      'INT8',
      '--processor',
      'bm1684x',
      '--calibration_table',
      'objects_cnn_cali_table',
      '--quantize_table',
      'qtable',
    );
    expect(deploy.status, deploy.stderr).toBe(0);
    expect(read('objects_cnn_bm1684x_int8_sym_tpu.mlir').toString('utf8')).toMatch(/"tpu\.MatMul".*xf16/);
  });
});
