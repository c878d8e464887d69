// AssemblyScript that takes two kernels from the sources of @q/kernels-wasm, and nothing else of it:
//   asc stretch.ts --enable simd --runtime stub -O3 -o stretch.wasm
import { f32_scale } from '@q/kernels-wasm/assembly/f32-unary/index';
import { stats_minmax } from '@q/kernels-wasm/assembly/stats-minmax/index';

const range = memory.data(8, 8);
const factors = memory.data(8, 8);

/** First byte that the host may use. */
export function heapBase(): usize {
  return __heap_base;
}

/** Stretches n float32 at `x` to 0..1, in place. Returns 0 where all are equal or one is not finite, and leaves them. */
export function stretch(x: usize, n: i32): i32 {
  // Bits of the answer say that a NaN or an infinity is there.
  if (stats_minmax(x, n, range) > 0) return 0;
  const lo = load<f32>(range);
  const hi = load<f32>(range, 4);
  if (!(hi > lo)) return 0;
  const scale = <f32>1 / (hi - lo);
  store<f32>(factors, scale);
  store<f32>(factors, -lo * scale, 4);
  f32_scale(x, factors, factors + 4, x, 1, 1, n, 0, 1);
  return 1;
}
