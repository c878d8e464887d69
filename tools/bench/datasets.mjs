import { inputsOf, typeOf } from '@q/ir';
import { noise } from './models.mjs';

/** A data set of reproducible noise in memory, so that decoding images is not part of a figure. */
export function noiseDataset(graph, length) {
  const inputs = inputsOf(graph).map(({ name }) => ({
    name,
    count: typeOf(graph, name).shape.reduce((a, b) => a * b, 1),
  }));
  return {
    kind: 'npz',
    length,
    files: (sample) => [`noise_${sample}`],
    sample: async (sample) => new Map(inputs.map(({ name, count }) => [name, noise(count, sample + 1)])),
  };
}
