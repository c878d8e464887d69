import type { PrepareContext } from '../implementation.ts';

/** Sums beyond this are not exact in the f32 buffers of the vendor's interpreter (numerics.md 0). */
const EXACT_LIMIT = 2 ** 24;

/** Answers a check that tells the caller once when |sum| left the range in which the simulation is bit-exact. */
export function watchAccumulator(context: PrepareContext): (peak: number) => void {
  let told = false;
  return (peak) => {
    const largest = peak >>> 0;
    if (told || largest <= EXACT_LIMIT) return;
    told = true;
    context.warn(
      'runtime.accumulator.inexact',
      `An accumulator reached ${largest}, beyond 2^24: the vendor's float accumulation may differ by an LSB here.`,
    );
  };
}

/** A bias as the interpreter reads it: through an f32 buffer. */
export function floatBias(data: ArrayLike<number>): Float32Array {
  return Float32Array.from(data);
}
