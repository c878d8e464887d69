import { type Graph, inputsOf, QError, typeOf } from '@q/ir';
import type { Dataset, Feeds } from '../dataset.ts';
import { decodeImage } from '../images/decode-image.ts';
import type { PixelImage } from '../images/pixel-image.ts';
import { pixelModeOf, preprocessImage } from '../preprocess/preprocess-image.ts';
import { type PreprocessSettings, preprocessSettings } from '../preprocess/settings.ts';
import { type Datum, readDatum } from './datum.ts';
import { type LmdbRecord, walkLmdb } from './walk.ts';

export interface LmdbDatasetOptions {
  /** Bytes of the `data.mdb`. */
  readonly data: Uint8Array;
  readonly graph: Graph;
  /** Records to use, in key order; 0 (the default) means all. */
  readonly inputNum?: number;
  readonly where?: string;
}

/**
 * The records of a calibration LMDB of the BM1684 tools as samples of a network of one input, in key order. Images (encoded,
 * or bytes in C, H, W order and blue first) go through the network's preprocessing; other values are fed as they are.
 *
 * @throws QError `dataset.lmdb`, `dataset.shape`, `dataset.inputs`, `dataset.empty`
 */
export function openLmdbDataset(options: LmdbDatasetOptions): Dataset {
  const { data, graph, inputNum = 0, where = 'data.mdb' } = options;
  const [input, ...more] = inputsOf(graph);
  if (input === undefined || more.length > 0) {
    throw new QError(`${where} feeds networks of one input; ${graph.name} has ${more.length + (input ? 1 : 0)}.`, {
      code: 'dataset.inputs',
      where: graph.name,
      expected: 'a network of one input, or npz samples',
    });
  }
  const type = typeOf(graph, input.name)!;
  const settings = input.attributes.doPreprocess ? preprocessSettings(input, type) : undefined;
  const [batch, ...row] = type.shape as [number, ...number[]];
  const records = take(walkLmdb(data, where), inputNum === 0 ? Number.POSITIVE_INFINITY : inputNum * batch);
  if (records.length === 0) throw new QError(`There are no records in ${where}.`, { code: 'dataset.empty', where });
  const nameOf = ({ key }: LmdbRecord): string => new TextDecoder().decode(key);
  const recordsOf = (i: number): LmdbRecord[] =>
    Array.from({ length: batch }, (_, k) => records[Math.min(i * batch + k, records.length - 1)]!);
  return {
    kind: settings === undefined ? 'npy' : 'image',
    length: Math.ceil(records.length / batch),
    files: (i) => recordsOf(i).map(nameOf),
    async sample(i): Promise<Feeds> {
      const size = row.reduce((product, dim) => product * dim, 1);
      const out = new Float32Array(batch * size);
      for (const [k, record] of recordsOf(i).entries()) {
        const name = `${where}, ${nameOf(record)}`;
        out.set(await valuesOf(readDatum(record.value, name), settings, { size, shape: row, name }), k * size);
      }
      return new Map([[input.name, out]]);
    },
  };
}

function take<T>(items: Iterable<T>, most: number): T[] {
  const taken: T[] = [];
  for (const item of items) {
    if (taken.length >= most) break;
    taken.push(item);
  }
  return taken;
}

async function valuesOf(
  datum: Datum,
  settings: PreprocessSettings | undefined,
  { size, shape, name }: { readonly size: number; readonly shape: readonly number[]; readonly name: string },
): Promise<Float32Array> {
  if (settings !== undefined && datum.encoded !== undefined) {
    return preprocessImage(await decodeImage(datum.encoded, pixelModeOf(settings), name), settings, name);
  }
  if (settings !== undefined && datum.isPixels) {
    const image = imageOf(datum, settings.channels);
    if (image !== undefined) return preprocessImage(image, settings, name);
  }
  if (datum.values?.length === size) return datum.values;
  throw new QError(`The record ${name} has shape ${datum.shape.join('x')}, but the network takes ${shape.join('x')}.`, {
    code: 'dataset.shape',
    where: name,
    found: datum.shape.join('x'),
    expected: shape.join('x'),
    hint: 'the old tools resized in the data layer: give the network its preprocessing',
  });
}

/** Bytes in C, H, W order as an image; undefined when they are not of so many channels. */
function imageOf({ shape, values }: Datum, channels: 1 | 3 | 4): PixelImage | undefined {
  const [c, height, width] = shape.slice(-3);
  if (c !== channels || height === undefined || width === undefined || values === undefined) return undefined;
  const pixels = height * width;
  if (values.length !== c * pixels) return undefined;
  const data = new Uint8Array(values.length);
  for (let i = 0; i < pixels; i++) for (let k = 0; k < c; k++) data[i * c + k] = values[k * pixels + i]!;
  return { width, height, channels, data };
}
