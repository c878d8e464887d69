/** One sample's sum of magnitudes above a bound and how many there are. */
export type AboveBound = (bound: number) => { readonly sum: number; readonly count: number };

const STEPS = 20;
const TOLERANCE = 1e-6;

/**
 * The clip bound of one sample that minimises the quantization error (OCTAV, calibration.md 6.3), by Newton's iteration.
 *
 * @param elements elements of the sample, zeros included
 * @param min the sample's minimum; one that is numerically zero means an unsigned tensor
 * @returns NaN when every element is zero, as in v1.9
 */
export function octavThreshold(above: AboveBound, elements: number, min: number, bits: 8 | 4 = 8): number {
  const levels = Math.abs(min) < TOLERANCE ? 4 : 1;
  const rounding = 1 / 4 ** bits / 3 / levels;
  const start = above(0);
  if (start.count === 0) return Number.NaN;
  let bound = start.sum / start.count;
  for (let step = 0; step < STEPS; step++) {
    // The comparison of float32 data with the bound is made in float32.
    const { sum, count } = above(Math.fround(bound));
    const next = sum / (rounding * (elements - count) + count);
    if (Math.abs(next - bound) < TOLERANCE) break;
    bound = next;
  }
  return bound;
}
