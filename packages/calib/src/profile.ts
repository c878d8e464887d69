import { QError, type TableEra } from '@q/ir';
import type { MethodName } from './thresholds/method-table.ts';

/** Era of TPU-MLIR whose statistics are computed (calibration.md 0); `pooled` is no era but statistics that can be merged. */
export type ProfileName = '2022' | '2023' | 'v1.9' | '2026' | 'pooled';

/** What distinguishes the eras. */
export interface Profile {
  readonly name: ProfileName;
  /**
   * `one-pass`: the range grows as samples come, so the histogram depends on their order (calibration.md 5.1-5.3).
   * `two-pass`: the range of all samples first, then a histogram of fixed size (5.4).
   * `pooled`: bins whose widths are powers of two, so that histograms of any samples add up exactly, in one pass.
   */
  readonly statistics: 'one-pass' | 'two-pass' | 'pooled';
  /** Samples that nowhere reach this magnitude are not counted (5, step 3). */
  readonly leastMagnitude: number;
  /** OCTAV's answer for a sample of zeros (6.3). */
  readonly emptyOctav: number;
  /** Histograms longer than this are halved before the search for the least divergence (5.5). */
  readonly mostKlBins: number;
  /** `percentile9999` takes both tails and moves min and max, or the tail of magnitudes and leaves them (6.4). */
  readonly percentileTails: 'signed' | 'magnitude';
  /** Steps of the tuner's scan (7.4). */
  readonly tuneSteps: number;
  /** The tuner keeps the candidate of least distance, or the last one that is nearer than the one before it (7.4). */
  readonly tuneChoice: 'least' | 'last-decrease';
  /** The scan ends at the absolute maximum as observed, or at the larger of the table's seven-decimal extremes (7.4). */
  readonly tuneLimit: 'observed' | 'table';
  /** Lower end of an FP8 row over its threshold (6.10). */
  readonly fp8Low: number;
  readonly methods: readonly MethodName[];
  readonly tableEra: TableEra;
}

const EXTENSIONS: readonly MethodName[] = [
  'symkl',
  'jsd',
  'admm',
  'torch_observer',
  'xquant_default',
  'xquant_kl',
  'xquant_minmax',
  'xquant_percentile',
  'xquant_mse',
];

const V1_9: Profile = {
  name: 'v1.9',
  statistics: 'one-pass',
  leastMagnitude: 0,
  emptyOctav: Number.NaN,
  mostKlBins: Number.POSITIVE_INFINITY,
  percentileTails: 'signed',
  tuneSteps: 21,
  tuneChoice: 'least',
  tuneLimit: 'observed',
  fp8Low: -128 / 127,
  methods: ['kl', 'max', 'mse', 'percentile9999', 'aciq_gauss', 'aciq_laplace', ...EXTENSIONS],
  tableEra: 'V1.9',
};

const TWO_PASS: Profile = {
  ...V1_9,
  name: '2023',
  statistics: 'two-pass',
  percentileTails: 'magnitude',
  tuneSteps: 20,
  methods: ['kl', 'max', 'percentile9999', 'torch_observer'],
  tableEra: '2023',
};

const PROFILES: Readonly<Record<ProfileName, Profile>> = {
  '2022': { ...TWO_PASS, name: '2022', tuneChoice: 'last-decrease', tuneLimit: 'table', methods: ['kl', 'max'] },
  '2023': TWO_PASS,
  'v1.9': V1_9,
  '2026': {
    ...V1_9,
    name: '2026',
    leastMagnitude: 1e-8,
    emptyOctav: 1,
    mostKlBins: 64 * 2048,
    fp8Low: -1,
    tableEra: '2026',
  },
  pooled: {
    ...V1_9,
    name: 'pooled',
    statistics: 'pooled',
    methods: ['kl', 'max', 'mse', 'percentile9999', 'aciq_gauss', 'aciq_laplace', 'symkl', 'jsd', 'admm'],
  },
};

export const profileNames = Object.keys(PROFILES) as readonly ProfileName[];

/** The profile of that name. @throws QError `calib.profile` */
export function profileOf(name: string): Profile {
  if (Object.hasOwn(PROFILES, name)) return PROFILES[name as ProfileName];
  throw new QError(`There is no statistics profile ${name}.`, {
    code: 'calib.profile',
    found: name,
    expected: profileNames.join(', '),
  });
}
