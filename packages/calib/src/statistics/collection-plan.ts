import type { ObservedValues } from '../observed-values.ts';
import { type Cut, percentileCut } from '../ramp.ts';
import type { Needs, SampleNumber } from '../thresholds/method.ts';
import { DEFAULT_PERCENTILE } from '../xquant-range/percentile.ts';
import { pickEvery } from './raw-values.ts';
import type { NumberRules } from './value-kernels.ts';

/** Which ends of a distribution to keep: the largest and the smallest values, or the largest magnitudes. */
export interface TailsPlan {
  readonly cut: Cut;
  readonly ranking: 'signed' | 'magnitude';
}

/** What to collect of one value, besides its extremes. */
export interface ValuePlan {
  readonly name: string;
  readonly opName: string;
  readonly elements: number;
  readonly tails?: TailsPlan;
  /** Every how manieth element of a sample is kept as it is. */
  readonly rawStep?: number;
}

/** What to collect: plain data, so that it can be posted to workers. */
export interface CollectionPlan {
  readonly values: readonly ValuePlan[];
  readonly histogram: boolean;
  readonly numbers: readonly SampleNumber[];
  readonly window: boolean;
  readonly rules: NumberRules;
}

export interface PlanOptions {
  readonly sampleCount: number;
  readonly percentileTails: 'signed' | 'magnitude';
  /** Values whose two tails are needed whatever the method (calibration.md 6.9). */
  readonly asymmetric?: ReadonlySet<string>;
  readonly percentileShare?: number;
  readonly emptyOctav?: number;
}

const LAST = 5;

/** Plans the collection of `sampleCount` samples for these needs. */
export function planCollection(observed: ObservedValues, needs: Needs, options: PlanOptions): CollectionPlan {
  const { sampleCount, percentileTails, asymmetric } = options;
  const first = needs.tails === 'all' ? 0 : observed.values.length - LAST;
  const values = observed.values.map(({ name, op, opIndex, elements }, at): ValuePlan => {
    const both = asymmetric?.has(name) === true;
    const ranking = both || (needs.tails === 'all' && percentileTails === 'signed') ? 'signed' : 'magnitude';
    const wanted = both || (needs.tails !== undefined && at >= first);
    const cut = percentileCut(opIndex, observed.opCount, sampleCount * elements);
    return {
      name,
      opName: op.name,
      elements,
      ...(wanted ? { tails: { cut, ranking } } : {}),
      ...(needs.raw ? { rawStep: pickEvery(elements, sampleCount, observed.values.length) } : {}),
    };
  });
  return {
    values,
    histogram: needs.histogram,
    numbers: needs.numbers ?? [],
    window: needs.window === true,
    rules: {
      percentileShare: options.percentileShare ?? DEFAULT_PERCENTILE,
      emptyOctav: options.emptyOctav ?? Number.NaN,
    },
  };
}
