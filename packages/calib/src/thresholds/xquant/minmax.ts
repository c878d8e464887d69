import type { ThresholdMethod } from '../method.ts';
import { choiceOfRange } from './range.ts';

/** The extremes of all samples (spacemit.md 8.2). */
export const xquantMinmax: ThresholdMethod = {
  needs: { histogram: false },
  choose: ({ min, max }) => choiceOfRange(min, max),
  keepsEnds: false,
  tunable: false,
};
