/** Elements per float32 chunk of a long sum. */
const CHUNK = 1024;

/**
 * The one order of long sums: float32 lane i mod 4 over chunks of 1024 elements, lanes added as (0+1)+(2+3) in float64,
 * chunk totals added in float64 in order. `term(i)` is the i-th float32 addend.
 */
export function sumChunked(n: number, term: (i: number) => number): number {
  let total = 0;
  for (let start = 0; start < n; start += CHUNK) {
    const lanes = [0, 0, 0, 0];
    for (let i = start; i < Math.min(start + CHUNK, n); i++) lanes[i % 4] = Math.fround(lanes[i % 4]! + term(i));
    total += lanes[0]! + lanes[1]! + (lanes[2]! + lanes[3]!);
  }
  return total;
}

/** Float64 lanes (element i in lane i mod 4), added as (0+1)+(2+3). */
export function sumLanes64(n: number, term: (i: number) => number): number {
  const lanes = [0, 0, 0, 0];
  for (let i = 0; i < n; i++) lanes[i % 4] = lanes[i % 4]! + term(i);
  return lanes[0]! + lanes[1]! + (lanes[2]! + lanes[3]!);
}
