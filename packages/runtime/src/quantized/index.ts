import type { Implementations } from '../implementation.ts';
import { activeImplementations } from './active.ts';
import { castingImplementations } from './casting.ts';
import { convolutionImplementations } from './convolution.ts';
import { withCv18xx } from './cv18xx/index.ts';
import { elementwiseImplementations } from './elementwise.ts';
import { floatOperatorImplementations } from './float-operators.ts';
import { interpImplementations } from './interp.ts';
import { layoutImplementations } from './layout.ts';
import { matMulImplementations } from './mat-mul.ts';
import { normalizationImplementations } from './normalization.ts';
import { poolingImplementations } from './pooling.ts';
import { reductionImplementations } from './reduction.ts';
import { scaleImplementations } from './scale.ts';
import { scaleLutImplementations } from './scale-lut.ts';
import { softmaxImplementations } from './softmax.ts';
import { unaryImplementations } from './unary.ts';
import { volumeImplementations } from './volume.ts';
import { weightOnlyImplementations } from './weight-only.ts';

/** Execution of the `tpu.*` operators of lowered graphs (numerics.md 6, 7, 9 to 11). */
export const quantizedImplementations: Implementations = withCv18xx({
  ...activeImplementations,
  ...castingImplementations,
  ...convolutionImplementations,
  ...elementwiseImplementations,
  ...floatOperatorImplementations,
  ...interpImplementations,
  ...layoutImplementations,
  ...matMulImplementations,
  ...normalizationImplementations,
  ...poolingImplementations,
  ...reductionImplementations,
  ...scaleImplementations,
  ...scaleLutImplementations,
  ...softmaxImplementations,
  ...unaryImplementations,
  ...volumeImplementations,
  ...weightOnlyImplementations,
});
