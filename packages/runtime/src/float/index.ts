import type { Implementations } from '../implementation.ts';
import { activationImplementations } from './activation.ts';
import { arithmeticImplementations } from './arithmetic.ts';
import { attentionImplementations } from './attention.ts';
import { castingImplementations } from './casting.ts';
import { comparisonImplementations } from './comparison.ts';
import { convolutionImplementations } from './convolution.ts';
import { detectionImplementations } from './detection.ts';
import { indexingImplementations } from './indexing.ts';
import { inverseFunctionImplementations } from './inverse-functions.ts';
import { layoutImplementations } from './layout.ts';
import { matrixProductImplementations } from './matrix-product.ts';
import { normalizationImplementations } from './normalization.ts';
import { poolingImplementations } from './pooling.ts';
import { recurrentImplementations } from './recurrent.ts';
import { reductionImplementations } from './reduction.ts';
import { resamplingImplementations } from './resampling.ts';

/** Execution of the `top.*` operators, family by family as in `@q/ir`'s operator table. */
export const floatImplementations: Implementations = {
  ...activationImplementations,
  ...arithmeticImplementations,
  ...attentionImplementations,
  ...castingImplementations,
  ...comparisonImplementations,
  ...convolutionImplementations,
  ...detectionImplementations,
  ...indexingImplementations,
  ...inverseFunctionImplementations,
  ...layoutImplementations,
  ...matrixProductImplementations,
  ...normalizationImplementations,
  ...poolingImplementations,
  ...recurrentImplementations,
  ...reductionImplementations,
  ...resamplingImplementations,
};
