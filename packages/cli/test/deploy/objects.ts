import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { unzipSync } from 'fflate';
import { objectsPreprocess, testModel } from '../q-process.ts';
import { type HereOutcome, runHere } from '../run-here.ts';

/** objects-cnn ready to be deployed: `objects_cnn.mlir`, a table of TPU-MLIR, one image, and its results. */
export interface DeployFolder {
  readonly path: string;
  file(name: string): string;
  read(name: string): Buffer;
  /** `model_deploy` of the network for bm1684x, with a table. */
  deploy(...more: readonly string[]): Promise<HereOutcome>;
}

export async function objectsFolder(): Promise<DeployFolder> {
  const path = mkdtempSync(join(tmpdir(), 'q-deploy-'));
  const file = (name: string): string => join(path, name);
  const images = unzipSync(readFileSync(testModel('objects-cnn/calibration.zip')));
  writeFileSync(file('sample.jpg'), images['calib_000.jpg']!);
  writeFileSync(file('table'), readFileSync(testModel('objects-cnn/tpu-mlir-1.17/kl_tune5_cali_table')));
  const words = ['--model_name', 'objects_cnn', '--model_def', testModel('objects-cnn/objects-cnn.onnx')];
  const transform = await runHere(
    'model_transform',
    ...words,
    '--mlir',
    file('objects_cnn.mlir'),
    ...objectsPreprocess,
  );
  if (transform.status !== 0) throw new Error(transform.stderr);
  return {
    path,
    file,
    read: (name) => readFileSync(file(name)),
    deploy: (...more) =>
      runHere(
        'model_deploy',
        '--mlir',
        file('objects_cnn.mlir'),
        ...(more.includes('--quantize') ? [] : ['--quantize', 'INT8']),
        ...(more.includes('--processor') ? [] : ['--processor', 'bm1684x']),
        ...(more.includes('--calibration_table') ? [] : ['--calibration_table', file('table')]),
        ...more,
      ),
  };
}
