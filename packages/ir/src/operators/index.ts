import type { AttributesOf } from '../attribute-schema.ts';
import { activationRows } from './activation.ts';
import { arithmeticRows } from './arithmetic.ts';
import { attentionRows } from './attention.ts';
import { castingRows } from './casting.ts';
import { comparisonRows } from './comparison.ts';
import { convolutionRows } from './convolution.ts';
import { detectionRows } from './detection.ts';
import { indexingRows } from './indexing.ts';
import { layoutRows } from './layout.ts';
import { matrixProductRows } from './matrix-product.ts';
import { normalizationRows } from './normalization.ts';
import { poolingRows } from './pooling.ts';
import { quantizedCastingRows } from './quantized-casting.ts';
import { quantizedComputeRows } from './quantized-compute.ts';
import { quantizedElementwiseRows } from './quantized-elementwise.ts';
import { quantizedFloatRows } from './quantized-float.ts';
import { quantizedLayoutRows } from './quantized-layout.ts';
import { recurrentRows } from './recurrent.ts';
import { reductionRows } from './reduction.ts';
import { resamplingRows } from './resampling.ts';
import type { OperatorRow } from './row.ts';
import { structureRows } from './structure.ts';

/** Every operator that the IR knows, by mnemonic: `top.*` for networks, `tpu.*` for lowered graphs. */
const rows = {
  ...structureRows,
  ...activationRows,
  ...arithmeticRows,
  ...attentionRows,
  ...castingRows,
  ...comparisonRows,
  ...convolutionRows,
  ...detectionRows,
  ...indexingRows,
  ...layoutRows,
  ...matrixProductRows,
  ...normalizationRows,
  ...poolingRows,
  ...recurrentRows,
  ...reductionRows,
  ...resamplingRows,
  ...quantizedCastingRows,
  ...quantizedComputeRows,
  ...quantizedElementwiseRows,
  ...quantizedFloatRows,
  ...quantizedLayoutRows,
} as const;

type Rows = typeof rows;
export type OpType = keyof Rows;
export type OpAttributes = { readonly [T in OpType]: AttributesOf<Rows[T]['attributes']> };

export const operatorTable: { readonly [T in OpType]: OperatorRow } = rows as unknown as {
  readonly [T in OpType]: OperatorRow;
};
