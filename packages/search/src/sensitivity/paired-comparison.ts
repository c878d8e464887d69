/** Scores of a candidate on samples 0, 1, …: as many as were evaluated. */
export type SampleScores = readonly number[];

export interface PairedDifference {
  /** Mean over common samples of the difference, divided by the mean of both losses. */
  readonly mean: number;
  /** Variance of a sample's relative difference; 0 when there is only one. */
  readonly variance: number;
  /**
   * The same around differences in proportion to a sample's own losses: a sample that is twice as hard for both has twice the
   * difference (the variance of a ratio estimator; Cochran, Sampling Techniques 6.4).
   */
  readonly residual: number;
  readonly samples: number;
}

/** 1 − the mean score, rounded as the searches that try everything round it. */
export function meanLoss(scores: SampleScores): number {
  return 1 - mean(scores);
}

function mean(values: readonly number[]): number {
  let sum = 0;
  for (const value of values) sum += value;
  return sum / values.length;
}

/** How much larger the losses of `a` are than those of `b` on the same samples: images that are hard for one are for all. */
export function pairedDifference(a: SampleScores, b: SampleScores): PairedDifference {
  const samples = Math.min(a.length, b.length);
  const scale = (meanLoss(a.slice(0, samples)) + meanLoss(b.slice(0, samples))) / 2 || 1;
  const differences = Array.from({ length: samples }, (_, i) => (b[i]! - a[i]!) / scale);
  const average = mean(differences);
  let [squares, residuals] = [0, 0];
  differences.forEach((difference, i) => {
    const size = (1 - a[i]! + (1 - b[i]!)) / 2 / scale;
    squares += (difference - average) ** 2;
    residuals += (difference - average * size) ** 2;
  });
  const freedom = Math.max(1, samples - 1);
  return {
    mean: average,
    variance: samples > 1 ? squares / freedom : 0,
    residual: samples > 1 ? residuals / freedom : 0,
    samples,
  };
}

/** Samples' worth of weight that the pooled variance has beside a pair's own. */
const PRIOR_WEIGHT = 10;

/** One-sided 99.5 % quantiles of Student's t by degrees of freedom. */
const QUANTILES: readonly (readonly [number, number])[] = [
  [10, 3.169],
  [12, 3.055],
  [15, 2.947],
  [20, 2.845],
  [30, 2.75],
  [40, 2.704],
];

function quantile(freedom: number): number {
  return QUANTILES.findLast(([from]) => freedom >= from)?.[1] ?? QUANTILES[0]![1];
}

/** How far samples of a difference scatter. */
export interface Scatter {
  /** Of the pair's own samples. */
  readonly own: number;
  /** What pairs have in common. */
  readonly pooled: number;
}

/**
 * Half the width of the confidence interval of a mean relative difference over all `total` samples, from those seen. The
 * variance is a moderated one (Smyth 2004): a pair's own few samples and what pairs have in common. It narrows to 0 as
 * the samples become all.
 */
export function halfWidth(samples: number, { own, pooled }: Scatter, total: number): number {
  const freedom = PRIOR_WEIGHT + samples - 1;
  const moderated = (PRIOR_WEIGHT * pooled + (samples - 1) * own) / freedom;
  return quantile(freedom) * Math.sqrt((moderated / samples) * (1 - samples / total));
}

/** Is the mean loss of `a` over all samples larger than that of `b`, for all that the seen samples say? */
export function isSurelyLarger(a: SampleScores, b: SampleScores, pooled: number, total: number): boolean {
  const samples = Math.min(a.length, b.length);
  if (samples === total) return meanLoss(a) >= meanLoss(b);
  const { mean: difference, residual } = pairedDifference(a, b);
  return difference > halfWidth(samples, { own: residual, pooled }, total);
}

/** Arithmetic mean; 0 of none. */
export function pooledVariance(variances: readonly number[]): number {
  return variances.length === 0 ? 0 : mean(variances);
}
