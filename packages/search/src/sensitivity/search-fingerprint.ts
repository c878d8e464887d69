import type { Graph } from '@q/ir';
import { graphDigest } from './candidate-effect.ts';
import { digestOf, digestOfText } from './digest.ts';
import type { SearchOptions } from './search-options.ts';

/** Changes when the same candidates may score otherwise than before. */
const ENGINE = 1;

/** Names what scores depend on: networks, samples, metric, engine. */
export async function searchFingerprint(
  options: Pick<SearchOptions, 'samples' | 'score' | 'compared' | 'recipe'>,
  networks: readonly Graph[],
): Promise<string> {
  const { samples, score, compared, recipe } = options;
  const data: string[] = [];
  for (let index = 0; index < samples.length; index++) {
    for (const [name, array] of await samples.sample(index)) {
      data.push(name, digestOf(new Uint8Array(array.buffer, array.byteOffset, array.byteLength)));
    }
  }
  const metric = score === undefined ? 'similarity' : String(score);
  const parts = [ENGINE, networks.map(graphDigest), data, metric, compared ?? null, recipe ?? null];
  return digestOfText(JSON.stringify(parts));
}
