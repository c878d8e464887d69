import type { PrepareContext } from '../implementation.ts';
import type { Slot } from '../slot.ts';

/** Answers a function that looks for the largest |sum| of `length` floats, up to what 32 bits count. */
export function largestSum(context: PrepareContext, sums: Slot, length: number): () => number {
  const { kernels, memory } = context;
  const extremes = context.scratch(8);
  let view: Float32Array | undefined;
  return () => {
    kernels.stats_minmax(sums.ptr, length, extremes.ptr);
    if (view?.buffer !== memory.buffer || view.byteOffset !== extremes.ptr) {
      view = new Float32Array(memory.buffer, extremes.ptr, 2);
    }
    return Math.min(Math.max(-view[0]!, view[1]!, 0), 2 ** 32 - 1);
  };
}
