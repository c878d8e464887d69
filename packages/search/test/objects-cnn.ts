import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { openDataset, zipSource } from '@q/dataset';
import { type Graph, parseCalibrationTable, type ValueRange } from '@q/ir';
import { importOnnx } from '@q/ir/onnx';
import type { SearchSamples } from '../src/index.ts';

/** What searches of test-models/objects-cnn are held against. */
export interface RecordedSubject {
  readonly graph: Graph;
  /** Ranges of the table that TPU-MLIR v1.17 made; v1.30.2's has the same rows. */
  readonly values: ReadonlyMap<string, ValueRange>;
  readonly samplesNamed: (files: readonly string[]) => SearchSamples;
}

const testModel = (file: string): string =>
  fileURLToPath(new URL(`../../../test-models/objects-cnn/${file}`, import.meta.url));

/** What TPU-MLIR itself found; the files say which version. */
export function facts(file: string): unknown {
  return JSON.parse(readFileSync(new URL(`./facts/${file}`, import.meta.url), 'utf8'));
}

export async function openObjectsCnn(): Promise<RecordedSubject> {
  const thirds = (value: number): number[] => [value, value, value];
  const graph = importOnnx(readFileSync(testModel('objects-cnn.onnx')), {
    name: 'objects-cnn',
    preprocess: { pixelFormat: 'rgb', mean: thirds(127.5), scale: thirds(0.0078431) },
  });
  const table = 'tpu-mlir-1.17/kl_tune5_cali_table';
  const values = parseCalibrationTable(readFileSync(testModel(table), 'utf8'), table).rows;
  const path = testModel('calibration.zip');
  const all = await openDataset({ source: zipSource(readFileSync(path), path), graph, inputNum: 0 });
  const samplesNamed = (files: readonly string[]): SearchSamples => {
    const indexes = files.map(
      (file) => Array.from({ length: all.length }, (_, i) => i).find((i) => all.files(i)[0] === file)!,
    );
    return { length: files.length, sample: (index) => all.sample(indexes[index]!) };
  };
  return { graph, values, samplesNamed };
}
