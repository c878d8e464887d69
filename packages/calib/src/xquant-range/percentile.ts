/** XQuant's `max_percentile` where nothing is configured. */
export const DEFAULT_PERCENTILE = 0.9999;

/** Which of the sorted elements of one batch bound its percentile range: 1-based ranks (spacemit.md 8.2). */
export function percentileRanks(count: number, percentile = DEFAULT_PERCENTILE): { low: number; high: number } {
  return {
    low: Math.max(0, Math.trunc(count * (1 - percentile))) + 1,
    high: Math.min(Math.trunc(count * percentile), count - 1) + 1,
  };
}
