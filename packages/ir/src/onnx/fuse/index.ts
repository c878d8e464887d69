import type { OnnxGraph, OnnxType } from '../onnx-graph.ts';
import { removeCasts } from './casts.ts';
import { concatOfConcat, reduceThenUnsqueeze, transposeOfTranspose } from './chains.ts';
import { addIntoConv, batchNormIntoConv, padIntoConv, padIntoPool } from './convolution.ts';
import { mergeDuplicates } from './duplicates.ts';
import { addIntoMatMul } from './gemm.ts';
import { dropNoOperation } from './no-operation.ts';
import { fusePatterns } from './patterns.ts';
import { sweep } from './rule.ts';

const RULES = [
  dropNoOperation,
  padIntoConv,
  padIntoPool,
  addIntoConv,
  batchNormIntoConv,
  addIntoMatMul,
  transposeOfTranspose,
  concatOfConcat,
  reduceThenUnsqueeze,
];

/**
 * The rewrites of onnx-simplifier's fusion set that decide which tensor names survive (ir.md 8.1, step 4), one sweep.
 * Returns whether anything changed; types must be inferred anew then.
 */
export function simplify(graph: OnnxGraph, types: ReadonlyMap<string, OnnxType>): boolean {
  const swept = sweep(graph, types, RULES);
  return mergeDuplicates(graph) || swept;
}

/** OnnxOpt's part (ir.md 8.1, step 7): cast removal, then fused operators. */
export function fuseNodes(graph: OnnxGraph, types: ReadonlyMap<string, OnnxType>): void {
  removeCasts(graph, types);
  fusePatterns(graph);
}
