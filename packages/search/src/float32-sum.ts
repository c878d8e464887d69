/** Up to this many terms are added with eight running sums; more are halved. */
const BLOCK = 128;

/**
 * Σ term(i) for i in [0, count) in float32, in the order in which numpy adds a contiguous float32 array (pairwise
 * summation): the last digits of the vendor's metrics depend on it.
 */
export function float32Sum(count: number, term: (index: number) => number): number {
  return pairwise(0, count, term);
}

function pairwise(start: number, count: number, term: (index: number) => number): number {
  const { fround } = Math;
  if (count > BLOCK) {
    const half = count >> 1;
    const first = half - (half % 8);
    return fround(pairwise(start, first, term) + pairwise(start + first, count - first, term));
  }
  let total = 0;
  let at = 0;
  if (count >= 8) {
    const sums = [0, 1, 2, 3, 4, 5, 6, 7].map((lane) => term(start + lane));
    for (at = 8; at + 8 <= count; at += 8) {
      for (let lane = 0; lane < 8; lane++) sums[lane] = fround(sums[lane]! + term(start + at + lane));
    }
    const [a, b, c, d, e, f, g, h] = sums as [number, number, number, number, number, number, number, number];
    total = fround(fround(fround(a + b) + fround(c + d)) + fround(fround(e + f) + fround(g + h)));
  }
  for (; at < count; at++) total = fround(total + term(start + at));
  return total;
}
