/** Levels of an int8 tensor. */
export const LEVELS = 256;
/** Bins of the histogram over [min, max] (spacemit.md 8.3). */
export const HISTOGRAM_BINS = 4096;
/** Starts and widths of candidate windows are multiples of this many bins. */
export const WINDOW_STEP = 32;

/** What two passes over the calibration batches say about one tensor. */
export interface TensorHistogram {
  /** Whole numbers: elements per bin, `HISTOGRAM_BINS` equal bins over [min, max]; max itself is in the last one. */
  readonly counts: Float64Array;
  readonly min: number;
  readonly max: number;
  /** Means over batches of the lower and the upper percentile. */
  readonly percentileMin: number;
  readonly percentileMax: number;
}

/** Bounds that the activation behind a tensor implies (spacemit.md 7.5): a chosen range does not leave them. */
export interface RangeLimits {
  readonly min?: number;
  readonly max?: number;
}

/** A range that may be chosen, and the bins that its losses look at. */
export interface Window {
  readonly low: number;
  readonly high: number;
  /** First bin. */
  readonly start: number;
  /** Bins inside, cut at the end of the histogram. */
  readonly width: number;
}

/**
 * The windows of the search in the order in which ties are decided: the percentile range, then every start 0, 32 … 4064
 * with every width from 256 bins on. Widths that reach beyond the histogram keep their range, while their losses are cut.
 */
export function candidateWindows(tensor: TensorHistogram, limits: RangeLimits = {}): Window[] {
  const { min, max, percentileMin, percentileMax } = tensor;
  const [lowest, highest] = [limits.min ?? -(2 ** 31), limits.max ?? 2 ** 31];
  const binWidth = (max - min) / HISTOGRAM_BINS;
  const start = Math.max(0, Math.floor((percentileMin - min) / binWidth));
  const width = Math.min(Math.ceil((percentileMax - percentileMin) / binWidth), HISTOGRAM_BINS - start);
  const windows: Window[] = [
    { low: Math.max(lowest, percentileMin), high: Math.min(highest, percentileMax), start, width },
  ];
  for (let a = 0; a < HISTOGRAM_BINS; a += WINDOW_STEP) {
    const low = Math.max(lowest, min + a * binWidth);
    for (let r = LEVELS; r < HISTOGRAM_BINS - a + WINDOW_STEP - 1; r += WINDOW_STEP) {
      const high = Math.min(highest, low + r * binWidth);
      windows.push({ low, high, start: a, width: Math.min(r, HISTOGRAM_BINS - a) });
    }
  }
  return windows;
}
