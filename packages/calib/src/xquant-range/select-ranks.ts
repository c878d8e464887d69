/** Keys of floats that sort as the floats do. */
const SIGN = 0x80000000;
const HALF_BITS = 16;

/**
 * The elements of given 1-based ranks in ascending order, without sorting: two rounds of counting over the upper and the
 * lower half of the elements' bits. NaN has no rank and must not occur.
 */
export function selectRanks(values: Float32Array, ranks: readonly number[]): number[] {
  const bits = new Uint32Array(values.buffer, values.byteOffset, values.length);
  const upper = new Uint32Array(1 << HALF_BITS);
  for (let i = 0; i < bits.length; i++) upper[sortable(bits[i]!) >>> HALF_BITS]!++;
  return ranks.map((rank) => {
    const { bucket: high, rest } = bucketOf(upper, rank);
    const lower = new Uint32Array(1 << HALF_BITS);
    for (let i = 0; i < bits.length; i++) {
      const key = sortable(bits[i]!);
      if (key >>> HALF_BITS === high) lower[key & 0xffff]!++;
    }
    return floatOf(((high << HALF_BITS) | bucketOf(lower, rest).bucket) >>> 0);
  });
}

function sortable(bits: number): number {
  return (bits >= SIGN ? ~bits : bits | SIGN) >>> 0;
}

function floatOf(key: number): number {
  const bits = key >= SIGN ? key ^ SIGN : ~key;
  return new Float32Array(Uint32Array.of(bits >>> 0).buffer)[0]!;
}

function bucketOf(counts: Uint32Array, rank: number): { bucket: number; rest: number } {
  let rest = rank;
  let bucket = 0;
  while (rest > counts[bucket]!) rest -= counts[bucket++]!;
  return { bucket, rest };
}
