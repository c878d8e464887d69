import type { Distribution } from '../pooled/distribution.ts';
import type { ProfileName } from '../profile.ts';
import type { Histogram, Tails } from '../statistics/value-statistics.ts';
import type { SampleNumber } from '../thresholds/method.ts';
import type { Fingerprint } from './fingerprint.ts';

/** What an era's one or two passes gave, enough for every method that needs no more. */
export interface EraValue {
  readonly min: number;
  readonly max: number;
  readonly absMax: number;
  readonly histogram?: Histogram;
  readonly numbers?: Readonly<Partial<Record<SampleNumber, Float64Array>>>;
  readonly tails?: Tails;
}

/** Statistics of a network over samples, to be kept and used again (bm1684-tools.md 8). Plain data. */
export interface SavedStatistics {
  readonly profile: ProfileName;
  readonly fingerprint: Fingerprint;
  /** Samples that were seen: batches, not images. */
  readonly sampleCount: number;
  readonly histogramBins: number;
  /** By value name, in the order of the table; of an era, or distributions. */
  readonly values: ReadonlyMap<string, EraValue> | ReadonlyMap<string, Distribution>;
}

/** The distributions, if that is what was saved. */
export function pooledValues({ profile, values }: SavedStatistics): ReadonlyMap<string, Distribution> | undefined {
  return profile === 'pooled' ? (values as ReadonlyMap<string, Distribution>) : undefined;
}
