import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { dataset, ir, onnx } from './packages.mjs';

/** Samples for the thresholds; the one behind them is what the networks are compared on. */
export const CALIBRATION_SAMPLES = 6;

/** A network of the list with its samples: the float graph, and a data set of one sample more than calibration takes. */
export async function openNetwork(entry, pathOf) {
  const graph = onnx.importOnnx(readFileSync(pathOf(entry.model)), {
    name: entry.name.replace(/[^A-Za-z0-9_]/g, '_'),
    ...(entry.inputShapes === undefined ? {} : { inputShapes: entry.inputShapes }),
    ...(entry.preprocess === undefined ? {} : { preprocess: entry.preprocess }),
    emit: () => {},
  });
  const samples = entry.rows === undefined ? await pictures(entry, graph, pathOf) : rows(entry, graph, pathOf);
  return { graph, samples };
}

async function pictures(entry, graph, pathOf) {
  const path = pathOf(entry.samples);
  const source = path.endsWith('.zip') ? dataset.zipSource(readFileSync(path), entry.samples) : folder(path);
  return dataset.openDataset({ source, graph, inputNum: CALIBRATION_SAMPLES + 1, where: entry.samples });
}

function folder(path) {
  return {
    list: async () => readdirSync(path, { recursive: true }).filter((name) => /\.(jpe?g|png|bmp)$/i.test(name)),
    read: async (name) => readFileSync(join(path, name)),
  };
}

/** One sample per row of the arrays of an npz file, in steps so that not all come from its beginning. */
function rows(entry, graph, pathOf) {
  const arrays = ir.readNpz(readFileSync(pathOf(entry.rows)), entry.rows);
  const inputs = ir.inputsOf(graph).map(({ name }) => name);
  const count = arrays.get(entry.arrays[0]).shape[0];
  const length = Math.min(CALIBRATION_SAMPLES + 1, count);
  const step = Math.floor(count / length);
  const row = (array, index) => {
    const { shape, data } = arrays.get(array);
    const size = data.length / shape[0];
    return Float32Array.from(data.subarray(index * size, (index + 1) * size));
  };
  return {
    kind: 'npz',
    length,
    files: (sample) => [`${entry.rows}[${sample * step}]`],
    sample: async (sample) => new Map(inputs.map((name, at) => [name, row(entry.arrays[at], sample * step)])),
  };
}

/** The first `length` samples of a data set. */
export function firstSamples(samples, length) {
  return { ...samples, length: Math.min(length, samples.length), sample: samples.sample, files: samples.files };
}
