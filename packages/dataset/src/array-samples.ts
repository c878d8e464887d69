import { QError, readNpy, readNpz, type Tensor } from '@q/ir';
import type { Dataset, DatasetInput } from './dataset.ts';
import type { SampleFiles } from './selection/data-list.ts';
import type { DatasetSource } from './sources/source.ts';
import { tensorToFloat32 } from './tensor-to-float32.ts';

interface ArraySampleOptions {
  readonly source: DatasetSource;
  readonly inputs: readonly DatasetInput[];
  readonly samples: readonly SampleFiles[];
}

/** npy files: one line is one sample, arrays as stored, one file per input in input order. */
export function arraySamples({ source, inputs, samples }: ArraySampleOptions): Dataset {
  return {
    kind: 'npy',
    length: samples.length,
    files: (i) => samples[i]!,
    async sample(i) {
      const feeds = new Map<string, Float32Array>();
      for (const [k, input] of inputs.entries()) {
        const file = samples[i]![k]!;
        const array = readNpy(await source.read(file), file);
        checkShape(array.shape, input, file);
        feeds.set(input.name, tensorToFloat32(array, file));
      }
      return feeds;
    },
  };
}

/**
 * npz files (calibration.md 3.3). A network of one input takes the only array of the file whatever its name; several
 * inputs are found by name. Arrays of leading dimension 1 are stacked until the network's batch is full; an incomplete
 * last batch is dropped.
 */
export async function npzSamples({ source, inputs, samples }: ArraySampleOptions): Promise<Dataset> {
  const batch = inputs[0]!.shape[0]!;
  const files = samples.map(([file]) => file!);
  const groups = batch === 1 ? files.map((file) => [file]) : await groupByBatch(source, inputs, files, batch);
  if (groups.length === 0) {
    throw new QError(`${files.length} npz file(s) do not fill one batch of ${batch}.`, {
      code: 'dataset.empty',
      found: `${files.length} rows`,
      expected: `at least ${batch}`,
    });
  }
  return {
    kind: 'npz',
    length: groups.length,
    files: (i) => groups[i]!,
    async sample(i) {
      const parts = await Promise.all(
        groups[i]!.map(async (file) => ({ file, arrays: await readArrays(source, inputs, file) })),
      );
      return new Map(inputs.map((input) => [input.name, stack(parts, input)]));
    },
  };
}

/** Files of leading dimension > 1 are samples of their own; the others are collected until a batch is full. */
async function groupByBatch(
  source: DatasetSource,
  inputs: readonly DatasetInput[],
  files: readonly string[],
  batch: number,
): Promise<string[][]> {
  const groups: string[][] = [];
  let open: string[] = [];
  for (const file of files) {
    const arrays = await readArrays(source, inputs, file);
    if (arrays.get(inputs[0]!.name)!.shape[0] !== 1) {
      groups.push([file]);
      continue;
    }
    open.push(file);
    if (open.length < batch) continue;
    groups.push(open);
    open = [];
  }
  return groups;
}

async function readArrays(
  source: DatasetSource,
  inputs: readonly DatasetInput[],
  file: string,
): Promise<ReadonlyMap<string, Tensor>> {
  const stored = readNpz(await source.read(file), file);
  const [only, ...more] = stored.values();
  if (inputs.length === 1) {
    if (only !== undefined && more.length === 0) return new Map([[inputs[0]!.name, only]]);
    throw keysError(file, stored, 'exactly one array, because the network has one input');
  }
  if (inputs.every(({ name }) => stored.has(name))) return stored;
  throw keysError(file, stored, `the arrays ${inputs.map(({ name }) => name).join(', ')}`);
}

/** One file as it is, or the first rows of several files of one row each: as many as the input's own batch. */
function stack(
  parts: readonly { file: string; arrays: ReadonlyMap<string, Tensor> }[],
  input: DatasetInput,
): Float32Array {
  const [rows, ...row] = input.shape;
  const taken = parts.length === 1 ? parts : parts.slice(0, rows);
  const expected = parts.length === 1 ? input.shape : [1, ...row];
  const size = row.reduce((product, dim) => product * dim, 1) * (parts.length === 1 ? rows! : 1);
  const out = new Float32Array(taken.length * size);
  for (const [k, { file, arrays }] of taken.entries()) {
    const array = arrays.get(input.name)!;
    checkShape(array.shape, { name: input.name, shape: expected }, file);
    out.set(tensorToFloat32(array, file), k * size);
  }
  return out;
}

function checkShape(shape: readonly number[], input: DatasetInput, file: string): void {
  if (significant(shape) === significant(input.shape)) return;
  throw new QError(
    `The array in ${file} has shape ${shape.join('x')}, but input ${input.name} takes ${input.shape.join('x')}.`,
    {
      code: 'dataset.shape',
      where: file,
      found: shape.join('x'),
      expected: input.shape.join('x'),
      hint: 'store one sample per file, in the shape of the network input',
    },
  );
}

/** Dimensions of 1 do not move data. */
function significant(shape: readonly number[]): string {
  return shape.filter((dim) => dim !== 1).join('x');
}

function keysError(file: string, stored: ReadonlyMap<string, Tensor>, expected: string): QError {
  const found = [...stored.keys()].join(', ') || 'no arrays';
  return new QError(`The npz ${file} holds ${found}, expected ${expected}.`, {
    code: 'dataset.keys',
    where: file,
    found,
    expected,
  });
}
