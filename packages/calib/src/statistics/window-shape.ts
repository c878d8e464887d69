/** Bins of XQuant's histograms (spacemit.md 8.3). */
export const WINDOW_BINS = 4096;

/** Where the bins of a signed histogram lie: bin i covers lo + i * width up to the next, the last one its upper end too. */
export interface WindowShape {
  readonly lo: number;
  /** Float32. */
  readonly width: number;
}

/** The bins between the extremes of all samples; none where they are the same. */
export function windowBetween(min: number, max: number): WindowShape | undefined {
  const width = Math.fround((max - min) / WINDOW_BINS);
  return width > 0 ? { lo: min, width } : undefined;
}
