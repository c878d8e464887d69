import type { AboveBound } from './octav.ts';
import type { ValueData, ValueKernels } from './value-kernels.ts';

/**
 * Sums of one sample's magnitudes above bounds, for bounds that mostly rise: what was above the last bound is kept, and a
 * higher one looks at nothing else. A sum comes out the same from the kept values as from all: every magnitude above a bound
 * is a multiple of its last place, and while the sum is less than 2^29 times the bound float64 adds such numbers without
 * rounding. Bounds begin at the mean of the n magnitudes above zero, so that sums stay below n times the bound.
 */
export function magnitudeSums(kernels: ValueKernels, data: ValueData): AboveBound {
  let kept: (ValueData & { readonly above: number }) | undefined;
  return (bound) => {
    if (bound === 0) return kernels.sumAbove(data, bound);
    const from = kept !== undefined && bound >= kept.above ? kept : data;
    const { sum, count, pointer } = kernels.keepAbove(from, bound);
    kept = { pointer, length: count, above: bound };
    return { sum, count };
  };
}
