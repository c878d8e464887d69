const FIRST_PERCENTILE = 99.99;
const LAST_PERCENTILE = 99.999999;

/** How `percentile9999` cuts one value's distribution. */
export interface Cut {
  /** Values kept at each end. */
  readonly kept: number;
  /** How far the quantile lies from the innermost kept value towards the next one, 0..1. */
  readonly fraction: number;
}

/**
 * The percentile rises with depth (calibration.md 6.4): op `opIndex` of `opCount` is cut at 99.99 + opIndex * step.
 *
 * @param total elements of the value in all samples together
 */
export function percentileCut(opIndex: number, opCount: number, total: number): Cut {
  const percentile = FIRST_PERCENTILE + opIndex * ((LAST_PERCENTILE - FIRST_PERCENTILE) / opCount);
  const position = (percentile / 100) * (total - 1);
  return { kept: Math.trunc(total * (1 - percentile / 100)) + 1, fraction: position - Math.trunc(position) };
}
