import type { ObservedValues } from '../observed-values.ts';
import { type Cut, percentileCut } from '../ramp.ts';
import type { Needs, SampleNumber } from '../thresholds/method.ts';

/** What to collect of one value, besides its extremes. */
export interface ValuePlan {
  readonly name: string;
  readonly opName: string;
  readonly elements: number;
  readonly tails?: { readonly cut: Cut; readonly ranking: 'signed' | 'magnitude' };
}

/** What to collect: plain data, so that it can be posted to workers. */
export interface CollectionPlan {
  readonly values: readonly ValuePlan[];
  readonly histogram: boolean;
  readonly perSample?: SampleNumber;
}

const LAST = 5;

/** Plans the collection of `sampleCount` samples for a method with these needs. */
export function planCollection(
  observed: ObservedValues,
  needs: Needs,
  options: { sampleCount: number; percentileTails: 'signed' | 'magnitude' },
): CollectionPlan {
  const first = needs.tails === 'all' ? 0 : observed.values.length - LAST;
  const ranking = needs.tails === 'all' ? options.percentileTails : 'magnitude';
  const values = observed.values.map(({ name, op, opIndex, elements }, at): ValuePlan => {
    const plan = { name, opName: op.name, elements };
    if (needs.tails === undefined || at < first) return plan;
    return {
      ...plan,
      tails: { cut: percentileCut(opIndex, observed.opCount, options.sampleCount * elements), ranking },
    };
  });
  return {
    values,
    histogram: needs.histogram,
    ...(needs.perSample === undefined ? {} : { perSample: needs.perSample }),
  };
}
