import { activationConverters } from './activation.ts';
import { arithmeticConverters } from './arithmetic.ts';
import { comparisonConverters } from './comparison.ts';
import type { Converter } from './conversion.ts';
import { convolutionConverters } from './convolution.ts';
import { indexingConverters } from './indexing.ts';
import { layoutConverters } from './layout.ts';
import { matrixProductConverters } from './matrix-product.ts';
import { normalizationConverters } from './normalization.ts';
import { poolingConverters } from './pooling.ts';
import { quantizationConverters } from './quantization.ts';
import { recurrentConverters } from './recurrent.ts';
import { reductionConverters } from './reduction.ts';
import { resamplingConverters } from './resampling.ts';

/** One converter per ONNX operator type (ir.md 8.5). */
export const converters: ReadonlyMap<string, Converter> = new Map(
  Object.entries<Converter>({
    ...activationConverters,
    ...arithmeticConverters,
    ...comparisonConverters,
    ...convolutionConverters,
    ...indexingConverters,
    ...layoutConverters,
    ...matrixProductConverters,
    ...normalizationConverters,
    ...poolingConverters,
    ...quantizationConverters,
    ...recurrentConverters,
    ...reductionConverters,
    ...resamplingConverters,
  }),
);
