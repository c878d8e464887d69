import type { Implementations } from '../implementation.ts';
import { castingImplementations } from './casting.ts';
import { convolutionImplementations } from './convolution.ts';
import { withCv18xx } from './cv18xx/index.ts';
import { elementwiseImplementations } from './elementwise.ts';
import { layoutImplementations } from './layout.ts';
import { matMulImplementations } from './mat-mul.ts';
import { poolingImplementations } from './pooling.ts';
import { scaleImplementations } from './scale.ts';
import { softmaxImplementations } from './softmax.ts';
import { unaryImplementations } from './unary.ts';

/** Execution of the `tpu.*` operators of lowered graphs (numerics.md 6, 7, 9 to 11). */
export const quantizedImplementations: Implementations = withCv18xx({
  ...castingImplementations,
  ...convolutionImplementations,
  ...elementwiseImplementations,
  ...layoutImplementations,
  ...matMulImplementations,
  ...poolingImplementations,
  ...scaleImplementations,
  ...softmaxImplementations,
  ...unaryImplementations,
});
