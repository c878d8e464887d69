import type { KnownOp } from '../../graph.ts';
import { ownAttributesOf } from '../../operators/own-attributes.ts';
import { activationEmitters } from './activation.ts';
import { arithmeticEmitters } from './arithmetic.ts';
import { comparisonEmitters } from './comparison.ts';
import { convolutionEmitters } from './convolution.ts';
import { indexingEmitters } from './indexing.ts';
import { layoutEmitters } from './layout.ts';
import { matrixProductEmitters } from './matrix-product.ts';
import { normalizationEmitters } from './normalization.ts';
import type { Emitter, Emitters } from './onnx-writer.ts';
import { poolingEmitters } from './pooling.ts';
import { quantizationEmitters } from './quantization.ts';
import { recurrentEmitters } from './recurrent.ts';
import { reductionEmitters } from './reduction.ts';
import { resamplingEmitters } from './resampling.ts';

const emitters: Emitters = {
  ...activationEmitters,
  ...arithmeticEmitters,
  ...comparisonEmitters,
  ...convolutionEmitters,
  ...indexingEmitters,
  ...layoutEmitters,
  ...matrixProductEmitters,
  ...normalizationEmitters,
  ...poolingEmitters,
  ...quantizationEmitters,
  ...recurrentEmitters,
  ...reductionEmitters,
  ...resamplingEmitters,
};

/** How an op is written; undefined for types that have no ONNX form here. */
export function emitterOf(op: KnownOp): Emitter<KnownOp> | undefined {
  // An attribute of ours changes what the operator means, and the emitters write Top's meaning.
  if (ownAttributesOf(op).length > 0) return undefined;
  // The table is keyed by the discriminant of `op`, so the emitter accepts exactly this op.
  return emitters[op.type] as Emitter<KnownOp> | undefined;
}
