import { searchClip } from './clip-search.ts';
import { symmetricKl } from './divergence.ts';
import type { ThresholdMethod } from './method.ts';

/** The symmetric Kullback-Leibler divergence, on the candidates of `kl` (bm1684-tools.md 9.3). */
export const symkl: ThresholdMethod = {
  needs: { histogram: true },
  choose({ histogram, absMax, min, max }) {
    const bins = histogram && searchClip(histogram.counts, { divergence: symmetricKl, step: 128 });
    return { threshold: bins === undefined ? absMax : Math.min(bins * histogram!.width, absMax), min, max };
  },
  keepsEnds: false,
  tunable: true,
};
