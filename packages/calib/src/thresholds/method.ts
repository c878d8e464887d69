import type { ValueStatistics } from '../statistics/value-statistics.ts';

/** A number that is computed from each sample on its own. `4`: for four-bit codes. */
export type SampleNumber =
  | 'octav'
  | 'octav4'
  | 'aciq-gauss'
  | 'aciq-gauss4'
  | 'aciq-laplace'
  | 'aciq-laplace4'
  | 'kurtosis'
  | 'low-percentile'
  | 'high-percentile';

/** Bits of the codes that a threshold is for. */
export type CodeWidth = 8 | 4;

/** What a method reads of `ValueStatistics` besides the extremes. */
export interface Needs {
  readonly histogram: boolean;
  readonly numbers?: readonly SampleNumber[];
  /** `all`: of every value; `last`: of the last five, for the output guard. */
  readonly tails?: 'all' | 'last';
  /** A second pass that counts the signed values between the extremes of all samples (spacemit.md 8.3). */
  readonly window?: boolean;
  /** Some of the values themselves (bm1684-tools.md 9.4). */
  readonly raw?: boolean;
  /** PyTorch's histogram observer (calibration.md 6.8), which sees the samples one after the other. */
  readonly observer?: boolean;
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
  /** What four-bit codes need besides. Methods without it decide the same for four bits. */
  readonly needs4?: Needs;
  /** A pure function of the statistics of one value. */
  choose(statistics: ValueStatistics, bits?: CodeWidth): Choice;
  /**
   * Network inputs and trailing outputs keep their full range (calibration.md 6.6).
   */
  readonly keepsEnds: boolean;
  /** The tuner may raise its thresholds: up to the absolute maximum, not up to the threshold itself (calibration.md 7.5). */
  readonly tunable: boolean;
}

/** What several methods need together. */
export function unionOfNeeds(all: readonly Needs[]): Needs {
  const numbers = [...new Set(all.flatMap((needs) => needs.numbers ?? []))].sort();
  const tails = (['all', 'last'] as const).find((kind) => all.some((needs) => needs.tails === kind));
  const any = (key: 'window' | 'raw' | 'observer') => all.some((needs) => needs[key] === true);
  return {
    histogram: all.some((needs) => needs.histogram),
    ...(numbers.length === 0 ? {} : { numbers }),
    ...(tails === undefined ? {} : { tails }),
    ...(any('window') ? { window: true } : {}),
    ...(any('raw') ? { raw: true } : {}),
    ...(any('observer') ? { observer: true } : {}),
  };
}
