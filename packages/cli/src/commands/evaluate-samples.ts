import { type Dataset, type DatasetSource, openDataset, zipSource } from '@q/dataset';
import { elementCount, type Graph, inputsOf, QError, readNpz, type Tensor, typeOf } from '@q/ir';
import type { Arguments } from '../arguments/arguments.ts';
import { folderSource, listedFilesSource } from '../files/folder-source.ts';
import { kindOfPath, readInputFile, readInputText } from '../files/input-files.ts';
import { readInterpolation } from './interpolation-flag.ts';

/** Samples to evaluate on, one by one. */
export interface SampleSet {
  readonly length: number;
  /** What a sample is called: its file, or a row of an npz. */
  name(sample: number): string;
  feeds(sample: number): Promise<ReadonlyMap<string, Float32Array>>;
  /** Classes that come with the samples: the array `label` of an npz. */
  readonly classes?: readonly number[];
}

/** The samples of `--dataset` (a folder, a .zip, or one .npz whose rows are samples) or `--data_list`, at most `--limit`. */
export async function openSampleSet(args: Arguments, graph: Graph): Promise<SampleSet> {
  checkBatch(graph);
  const limit = args.integer('limit');
  const interpolation = readInterpolation(args);
  const list = args.optionalString('data_list');
  if (list !== undefined) {
    const text = readInputText(list, '--data_list');
    const source = listedFilesSource;
    return ofDataset(await openDataset({ source, graph, inputNum: limit, dataList: text, where: list, interpolation }));
  }
  const path = args.optionalString('dataset');
  if (path === undefined) {
    throw new QError('no samples are given', {
      code: 'cli.missing-flag',
      where: '--dataset',
      expected: 'a folder of images (or npz, npy), a .zip of one, an .npz of rows, or a list by --data_list',
    });
  }
  if (/\.npz$/i.test(path)) return npzRows(graph, path, limit);
  const source = pictureSource(path, '--dataset');
  return ofDataset(await openDataset({ source, graph, inputNum: limit, where: path, interpolation }));
}

/** A folder, or a .zip of one. */
export function pictureSource(path: string, flag: string): DatasetSource {
  if (kindOfPath(path, flag) === 'folder') return folderSource(path);
  return zipSource(readInputFile(path, flag), path);
}

function ofDataset(dataset: Dataset): SampleSet {
  return { length: dataset.length, name: (i) => dataset.files(i)[0]!, feeds: (i) => dataset.sample(i) };
}

function checkBatch(graph: Graph): void {
  const wide = inputsOf(graph).find(({ name }) => (typeOf(graph, name)!.shape[0] ?? 1) !== 1);
  if (wide === undefined) return;
  throw new QError(
    `input ${wide.name} takes a batch of ${typeOf(graph, wide.name)!.shape[0]}; evaluation goes sample by sample`,
    {
      code: 'cli.batch',
      where: wide.name,
      found: `[${typeOf(graph, wide.name)!.shape.join(',')}]`,
      expected: 'a batch of 1',
      hint: 'import the model with --input_shapes of batch 1',
    },
  );
}

/** An npz with one array per input, its rows the samples, and an array `label` of class indices if there is one. */
function npzRows(graph: Graph, path: string, limit: number): SampleSet {
  const arrays = readNpz(readInputFile(path, '--dataset'), path);
  const inputs = inputsOf(graph).map(({ name }) => ({ name, rows: rowsOf(graph, name, arrays, path) }));
  const rows = Math.min(...inputs.map((input) => input.rows.length));
  const length = limit === 0 ? rows : Math.min(limit, rows);
  if (length === 0) {
    throw new QError(`${path} has no rows`, { code: 'dataset.empty', where: path, expected: 'at least one sample' });
  }
  const labels = arrays.get('label');
  return {
    length,
    name: (i) => `${path}, row ${i}`,
    feeds: async (i) => new Map(inputs.map(({ name, rows: row }) => [name, row.row(i)])),
    ...(labels === undefined ? {} : { classes: Array.from(labels.data.slice(0, length), Number) }),
  };
}

function rowsOf(graph: Graph, name: string, arrays: ReadonlyMap<string, Tensor>, path: string) {
  const { shape } = typeOf(graph, name)!;
  const size = elementCount(shape);
  const data = [...arrays].filter(([key]) => key !== 'label');
  const array = arrays.get(name) ?? (data.length === 1 && inputsOf(graph).length === 1 ? data[0]![1] : undefined);
  const perRow = array === undefined ? 0 : array.data.length / (array.shape[0] ?? 1);
  if (array === undefined || perRow !== size) {
    throw new QError(`${path} has no rows for input ${name}`, {
      code: 'dataset.keys',
      where: path,
      found: [...arrays].map(([key, tensor]) => `${key} [${tensor.shape.join(',')}]`).join(', '),
      expected: `an array ${name} [n,${shape.slice(1).join(',')}]`,
    });
  }
  return {
    length: array.shape[0] ?? 1,
    row: (i: number) => Float32Array.from(array.data.slice(i * size, (i + 1) * size), Number),
  };
}
