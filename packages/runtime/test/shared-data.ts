import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { readNpz, type Tensor } from '@q/ir';

/** The folder of models and reference data beside the repository; `Q_SHARED` overrides it. Undefined when absent. */
export const shared: string | undefined = locate();

function locate(): string | undefined {
  const folder = process.env.Q_SHARED ?? fileURLToPath(new URL('../../../../shared', import.meta.url));
  if (existsSync(`${folder}/models`)) return folder;
  console.warn(`SKIPPED: ${folder} is absent, so nothing is compared with real models`);
  return undefined;
}

export function modelNames(): string[] {
  if (shared === undefined) return [];
  const files = readdirSync(`${shared}/models`).filter((file) => file.endsWith('.onnx'));
  return files.map((file) => file.slice(0, -'.onnx'.length)).sort();
}

export function readModel(name: string): Uint8Array {
  return readFileSync(`${shared}/models/${name}.onnx`);
}

export interface ReferenceSample {
  readonly inputs: ReadonlyMap<string, Tensor>;
  readonly outputs: ReadonlyMap<string, Tensor>;
}

/** Stored inputs and outputs of a model, by ONNX tensor name (data/README.md, "Float reference outputs"). */
export function referenceSamples(name: string): ReferenceSample[] {
  const folder = `${shared}/data/reference/float_outputs/${name}`;
  const files = readdirSync(folder).filter((file) => file.endsWith('_in.npz'));
  return files.sort().map((file) => ({
    inputs: readNpz(readFileSync(`${folder}/${file}`), file),
    outputs: readNpz(readFileSync(`${folder}/${file.replace('_in', '_out')}`), file),
  }));
}

export function referenceTensors(name: string, file: string): Map<string, Tensor> {
  return readNpz(readFileSync(`${shared}/data/reference/float_outputs/${name}/${file}`), file);
}
