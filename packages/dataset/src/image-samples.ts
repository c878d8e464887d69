import { type Graph, inputsOf, typeOf } from '@q/ir';
import type { Dataset } from './dataset.ts';
import { decodeSample, type EncodedSample, type ImageInput } from './images/encoded-sample.ts';
import type { Interpolation } from './preprocess/interpolation.ts';
import { preprocessSettings } from './preprocess/settings.ts';
import type { SampleFiles } from './selection/data-list.ts';
import type { DatasetSource } from './sources/source.ts';

/** Samples of images: `batch` consecutive entries each; the last entry is repeated to fill the last sample. */
export function imageSamples(options: {
  source: DatasetSource;
  graph: Graph;
  samples: readonly SampleFiles[];
  interpolation?: Interpolation | undefined;
}): Dataset {
  const { source, graph, samples, interpolation } = options;
  const inputs = inputsOf(graph).map((op): ImageInput => {
    const type = typeOf(graph, op.name)!;
    return { name: op.name, batch: type.shape[0]!, settings: preprocessSettings(op, type, interpolation) };
  });
  const batch = inputs[0]!.batch;
  const entriesOf = (i: number): SampleFiles[] =>
    Array.from({ length: batch }, (_, k) => samples[Math.min(i * batch + k, samples.length - 1)]!);
  const encoded = async (i: number): Promise<EncodedSample> => {
    const entries = entriesOf(i);
    const load = async (file: string) => ({ file, bytes: await source.read(file) });
    const images = inputs.map(({ batch: count }, at) =>
      Promise.all(Array.from({ length: count }, (_, k) => load(entries[Math.min(k, entries.length - 1)]![at]!))),
    );
    return { inputs, images: await Promise.all(images) };
  };
  return {
    kind: 'image',
    length: Math.ceil(samples.length / batch),
    files: (i) => entriesOf(i).flat(),
    sample: async (i) => decodeSample(await encoded(i)),
    encoded,
  };
}
