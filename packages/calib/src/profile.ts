import { QError, type TableEra } from '@q/ir';
import type { MethodName } from './thresholds/method-table.ts';

/** Era of TPU-MLIR whose statistics are computed (calibration.md 0). */
export type ProfileName = 'v1.9' | '2023';

/** What distinguishes the eras. */
export interface Profile {
  readonly name: ProfileName;
  /**
   * `one-pass`: the range grows as samples come, so the histogram depends on their order (calibration.md 5.1-5.3).
   * `two-pass`: the range of all samples first, then a histogram of fixed size (5.4).
   */
  readonly statistics: 'one-pass' | 'two-pass';
  /** `percentile9999` takes both tails and moves min and max, or the tail of magnitudes and leaves them (6.4). */
  readonly percentileTails: 'signed' | 'magnitude';
  /** Steps of the tuner's scan (7.4). */
  readonly tuneSteps: number;
  readonly methods: readonly MethodName[];
  readonly tableEra: TableEra;
}

const PROFILES: Readonly<Record<ProfileName, Profile>> = {
  'v1.9': {
    name: 'v1.9',
    statistics: 'one-pass',
    percentileTails: 'signed',
    tuneSteps: 21,
    methods: ['kl', 'max', 'mse', 'percentile9999', 'aciq_gauss', 'aciq_laplace'],
    tableEra: 'V1.9',
  },
  '2023': {
    name: '2023',
    statistics: 'two-pass',
    percentileTails: 'magnitude',
    tuneSteps: 20,
    methods: ['kl', 'max', 'percentile9999'],
    tableEra: '2023',
  },
};

/** The profile of that name. @throws QError `calib.profile` for eras that this version does not compute. */
export function profileOf(name: string): Profile {
  if (Object.hasOwn(PROFILES, name)) return PROFILES[name as ProfileName];
  throw new QError(`There is no statistics profile ${name}.`, {
    code: 'calib.profile',
    found: name,
    expected: Object.keys(PROFILES).join(', '),
  });
}
