import type { ValueStatistics } from '../../statistics/value-statistics.ts';
import type { RangeObjective } from '../../xquant-range/choose.ts';
import { searchXquantRange } from '../../xquant-range/search.ts';
import type { Choice, Needs, ThresholdMethod } from '../method.ts';
import { percentileRange } from './percentile.ts';
import { choiceOfRange } from './range.ts';

/** Extremes and percentiles first, then the histogram between the extremes: two passes over the data. */
const NEEDS: Needs = {
  histogram: false,
  numbers: ['low-percentile', 'high-percentile'],
  window: true,
};

/** XQuant's search of a clip range by one of its objectives (spacemit.md 8.3). */
export function searchedBy(objective: RangeObjective): ThresholdMethod {
  return {
    needs: NEEDS,
    choose: (statistics) => searchRange(statistics, objective),
    keepsEnds: false,
    tunable: false,
  };
}

function searchRange(statistics: ValueStatistics, objective: RangeObjective): Choice {
  const { window, min, max } = statistics;
  if (window === undefined) return choiceOfRange(min, max);
  const { lo: percentileMin, hi: percentileMax } = percentileRange(statistics);
  const found = searchXquantRange({ counts: window.counts, min, max, percentileMin, percentileMax }, { objective });
  return choiceOfRange(found.min, found.max);
}
