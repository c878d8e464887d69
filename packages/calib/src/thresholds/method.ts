import type { ValueStatistics } from '../statistics/value-statistics.ts';

/** A number that is computed from each sample on its own. */
export type SampleNumber = 'octav' | 'aciq-gauss' | 'aciq-laplace';

/** What a method reads of `ValueStatistics` besides the extremes. */
export interface Needs {
  readonly histogram: boolean;
  readonly perSample?: SampleNumber;
  /** `all`: of every value; `last`: of the last five, for the output guard. */
  readonly tails?: 'all' | 'last';
}

/** What a method decides about one value. */
export interface Choice {
  /** Clip bound; NaN when there is nothing to decide on. */
  readonly threshold: number;
  readonly min: number;
  readonly max: number;
}

/** A threshold method: one file, one row in the method table. */
export interface ThresholdMethod {
  readonly needs: Needs;
  /** A pure function of the statistics of one value. */
  choose(statistics: ValueStatistics): Choice;
  /**
   * Network inputs and trailing outputs keep their full range (calibration.md 6.6).
   */
  readonly keepsEnds: boolean;
  /** The tuner may raise its thresholds: up to the absolute maximum, not up to the threshold itself (calibration.md 7.5). */
  readonly tunable: boolean;
}
