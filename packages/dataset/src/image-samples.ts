import { type Graph, inputsOf, typeOf } from '@q/ir';
import type { Dataset } from './dataset.ts';
import { decodeImage } from './images/decode-image.ts';
import type { Interpolation } from './preprocess/interpolation.ts';
import { pixelModeOf, preprocessImage } from './preprocess/preprocess-image.ts';
import { type PreprocessSettings, preprocessSettings } from './preprocess/settings.ts';
import type { SampleFiles } from './selection/data-list.ts';
import type { DatasetSource } from './sources/source.ts';

interface ImageInput {
  readonly name: string;
  readonly batch: number;
  readonly settings: PreprocessSettings;
}

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
  return {
    kind: 'image',
    length: Math.ceil(samples.length / batch),
    files: (i) => entriesOf(i).flat(),
    async sample(i) {
      const entries = entriesOf(i);
      const feeds = new Map<string, Float32Array>();
      for (const [k, input] of inputs.entries()) {
        feeds.set(
          input.name,
          await loadBatch(
            source,
            input,
            entries.map((files) => files[k]!),
          ),
        );
      }
      return feeds;
    },
  };
}

/** Images of one input, one after the other along the batch dimension. */
async function loadBatch(source: DatasetSource, input: ImageInput, files: readonly string[]): Promise<Float32Array> {
  const { settings, batch } = input;
  const size = settings.channels * settings.height * settings.width;
  const out = new Float32Array(batch * size);
  for (let k = 0; k < batch; k++) {
    const file = files[Math.min(k, files.length - 1)]!;
    const image = await decodeImage(await source.read(file), pixelModeOf(settings), file);
    out.set(preprocessImage(image, settings, file), k * size);
  }
  return out;
}
