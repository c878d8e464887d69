import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { dataset, ir } from '../../deploy-table/packages.mjs';

const listedFiles = { list: async () => [], read: async (path) => readFileSync(path) };

/** What a network is calibrated on: rows of an .npz, the last pictures of a set, or those shipped beside it. */
export async function calibrationSamples({ rows, set, pictures, calibration }, graph, shared) {
  if (rows !== undefined) return rowsAt(graph, rows, shared, evenly(graph, rows, shared, calibration));
  const source = set === undefined ? dataset.zipSource(readFileSync(pictures), pictures) : listedFiles;
  const dataList = set === undefined ? undefined : inOrder(set, shared).slice(-calibration).join('\n');
  const opened = await dataset.openDataset({ source, graph, inputNum: calibration, ...(dataList && { dataList }) });
  return { length: opened.length, batch: (i) => opened.sample(i) };
}

/** Rows of the calibration's .npz that calibration leaves, at most `count`. */
export function otherSamples({ rows, calibration }, graph, shared, count) {
  const taken = new Set(evenly(graph, rows, shared, calibration));
  const left = Array.from({ length: rowCount(graph, rows, shared) }, (_, i) => i).filter((i) => !taken.has(i));
  return rowsAt(graph, rows, shared, left.slice(0, count));
}

/** The pictures of a set, in TPU-MLIR's order. */
export function inOrder(set, shared) {
  return readFileSync(join(shared, 'data/orders', `${set}.txt`), 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => join(shared, 'data', line));
}

/** Numbers of rows that lie evenly in the file, which may be sorted by class. */
function evenly(graph, rows, shared, count) {
  const all = rowCount(graph, rows, shared);
  return Array.from({ length: count }, (_, i) => Math.floor((i * all) / count));
}

const rowCount = (graph, rows, shared) => arraysOf(graph, rows, shared)[0].array.shape[0];

function rowsAt(graph, rows, shared, numbers) {
  const arrays = arraysOf(graph, rows, shared);
  const row = ({ array: { data, shape } }, at) => {
    const size = data.length / shape[0];
    return Float32Array.from(data.slice(at * size, (at + 1) * size));
  };
  const batch = async (i) => new Map(arrays.map((own) => [own.input, row(own, numbers[i])]));
  return { length: numbers.length, batch };
}

/** One array per input, by the names that the network's entry gives, else by those of the inputs. */
function arraysOf(graph, { calibration, arrays }, shared) {
  const file = join(shared, calibration);
  const stored = ir.readNpz(readFileSync(file), file);
  return ir.inputsOf(graph).map(({ name }, i) => ({ input: name, array: stored.get(arrays?.[i] ?? name) }));
}
