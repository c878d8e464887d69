import { searchClip } from './clip-search.ts';
import { jensenShannon } from './divergence.ts';
import type { ThresholdMethod } from './method.ts';

/** The Jensen-Shannon divergence, on the candidates of `kl` (bm1684-tools.md 9.3). */
export const jsd: ThresholdMethod = {
  needs: { histogram: true },
  choose({ histogram, absMax, min, max }) {
    const bins = histogram && searchClip(histogram.counts, { divergence: jensenShannon, step: 128 });
    return { threshold: bins === undefined ? absMax : Math.min(bins * histogram!.width, absMax), min, max };
  },
  keepsEnds: false,
  tunable: true,
};
