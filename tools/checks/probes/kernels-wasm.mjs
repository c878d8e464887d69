import { loadKernels, multiplyByQuantizedMultiplier } from '@q/kernels-wasm';
import { same } from './expect.mjs';

export default async function probe() {
  const { exports, arena } = await loadKernels();
  const x = arena.place(Float32Array.of(3, -2, 8, 0.5));
  const out = arena.allocF32(2);
  exports.stats_minmax(x, 4, out);
  same('smallest and largest', [...arena.f32(out, 2)], [-2, 8]);
  if (typeof multiplyByQuantizedMultiplier !== 'function') throw new Error('a scalar definition is missing');
}
