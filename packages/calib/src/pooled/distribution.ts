import type { SampleMoments } from '../statistics/value-kernels.ts';

/** Bins per sign. With widths that are powers of two the largest magnitude lies in the upper half of them. */
export const POOLED_BINS = 4096;
/** So that the reciprocal of the width is a float32. */
const LEAST_EXPONENT = -126;

/**
 * The distribution of one value over any set of samples. Everything in it is a whole number, an extreme or an exact sum, so
 * the distribution of a union is the same however the samples were shared out. Plain data.
 */
export interface Distribution {
  /** Values seen, zeros included. */
  readonly count: number;
  readonly min: number;
  readonly max: number;
  /** Bins are 2^exponent wide: bin i holds magnitudes from i * width up to the next. Undefined while all are zeros. */
  readonly exponent: number | undefined;
  readonly positive: Float64Array;
  readonly negative: Float64Array;
  /** Multiples of 2^-1074 (`exact-sum.ts`), added up over samples. */
  readonly sum: bigint;
  readonly squares: bigint;
  readonly magnitudes: bigint;
}

export const emptyDistribution: Distribution = {
  count: 0,
  min: Number.POSITIVE_INFINITY,
  max: Number.NEGATIVE_INFINITY,
  exponent: undefined,
  positive: new Float64Array(0),
  negative: new Float64Array(0),
  sum: 0n,
  squares: 0n,
  magnitudes: 0n,
};

/** Exponent of the narrowest bins that hold magnitudes up to `absMax`; undefined for 0. */
export function exponentFor(absMax: number): number | undefined {
  if (absMax === 0) return undefined;
  const [bits] = new Uint32Array(Float32Array.of(absMax).buffer);
  return Math.max(((bits! >>> 23) & 0xff) - 127 - 11, LEAST_EXPONENT);
}

/** Width of the bins of a distribution that is not all zeros. */
export function binWidth({ exponent }: Distribution): number {
  return 2 ** exponent!;
}

/** The distribution of two disjoint sets of samples together. Associative and commutative, to the bit. */
export function mergeDistributions(a: Distribution, b: Distribution): Distribution {
  const exponent = widest(a.exponent, b.exponent);
  return {
    count: a.count + b.count,
    min: Math.min(a.min, b.min),
    max: Math.max(a.max, b.max),
    exponent,
    positive: addCoarse(a.positive, a.exponent, b.positive, b.exponent),
    negative: addCoarse(a.negative, a.exponent, b.negative, b.exponent),
    sum: a.sum + b.sum,
    squares: a.squares + b.squares,
    magnitudes: a.magnitudes + b.magnitudes,
  };
}

function widest(a: number | undefined, b: number | undefined): number | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  return Math.max(a, b);
}

function addCoarse(
  a: Float64Array,
  exponentA: number | undefined,
  b: Float64Array,
  exponentB: number | undefined,
): Float64Array {
  if (exponentA === undefined || exponentB === undefined) return (exponentA === undefined ? b : a).slice();
  const exponent = Math.max(exponentA, exponentB);
  const sum = coarsen(a, exponent - exponentA);
  const other = coarsen(b, exponent - exponentB);
  for (let i = 0; i < sum.length; i++) sum[i]! += other[i]!;
  return sum;
}

/** The same counts in bins 2^steps times as wide. */
export function coarsen(counts: Float64Array, steps: number): Float64Array {
  const out = new Float64Array(counts.length);
  for (let i = 0; i < counts.length; i++) out[Math.floor(i / 2 ** steps)]! += counts[i]!;
  return out;
}

/** What one sample says about a value, before it is counted. */
export interface SampleExtremes {
  readonly min: number;
  readonly max: number;
  readonly length: number;
  readonly moments: SampleMoments;
}
