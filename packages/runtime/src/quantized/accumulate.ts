import type { PrepareContext } from '../implementation.ts';

/** Sums beyond this are not exact in the f32 buffers of the vendor's interpreter (numerics.md 0). */
const EXACT_LIMIT = 2 ** 24;

/**
 * Answers a check that records when |sum| left the range in which the simulation is bit-exact, and tells the caller once.
 */
export function watchAccumulator(context: PrepareContext): (peak: number) => void {
  let told = false;
  return (peak) => {
    const largest = peak >>> 0;
    if (largest <= EXACT_LIMIT) return;
    context.noteAccumulator(largest);
    if (told) return;
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

/**
 * A bias for sums of codes that lost their zero point first: every channel gets the zero point back for all of its
 * weights, also for those that meet padding or inserted positions, which hold the zero point (numerics.md 7.1).
 */
export function biasWithZero(
  bias: ArrayLike<number> | undefined,
  filter: ArrayLike<number>,
  { channels, zero }: { readonly channels: number; readonly zero: number },
): Float32Array {
  const inner = filter.length / channels;
  return Float32Array.from({ length: channels }, (_, channel) => {
    let sum = 0;
    if (zero !== 0) for (let at = channel * inner; at < (channel + 1) * inner; at++) sum += filter[at]!;
    return (bias?.[channel] ?? 0) + zero * sum;
  });
}
