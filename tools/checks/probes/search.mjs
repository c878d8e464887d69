import { cosine, floatForward, pairSums } from '@q/search';
import { same } from './expect.mjs';
import { tinyNetwork } from './tiny-network.mjs';

export default async function probe() {
  same('layers from the outputs', floatForward(tinyNetwork(), { outputs: ['conv'] }).layers, ['conv', 'relu']);
  same('a cosine', cosine(pairSums(Float32Array.of(1, 0), Float32Array.of(0, 1))), 0);
}
