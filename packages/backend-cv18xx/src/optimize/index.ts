import { mergeScales, type Range, type WorkingGraph } from '@q/ir/lowering';
import { addConstToAdd, divToMul, sqrtToPow, subToAdd } from './arithmetic.ts';
import { absorbClip } from './clip.ts';
import { dilateFilter, padApart } from './convolution.ts';
import { gatherToSlice, splitReduction, squeezeToReshape, transposeWeights } from './layout.ts';
import { poolReluApart, splitGlobalAverage } from './pooling.ts';
import { enlargeByConvolution, halveByConvolution, interpToUpsample, upsampleToDeconv } from './resampling.ts';
import type { Rewrite, Rewriting } from './rewrite.ts';

const REWRITES: readonly Rewrite[] = [
  addConstToAdd,
  divToMul,
  subToAdd,
  sqrtToPow,
  gatherToSlice,
  padApart,
  dilateFilter,
  interpToUpsample,
  upsampleToDeconv,
  transposeWeights,
  poolReluApart,
  splitGlobalAverage,
  splitReduction,
  squeezeToReshape,
  absorbClip,
];

/** Upstream does these while it lowers; nothing between looks at what they touch. */
const RESIZINGS: readonly Rewrite[] = [enlargeByConvolution, halveByConvolution];

function applyAll(state: Rewriting, rewrites: readonly Rewrite[]): void {
  for (let index = 0; index < state.graph.ops.length; ) {
    const op = state.graph.ops[index]!;
    // What a rewrite makes is looked at again.
    if (!rewrites.some((rewrite) => rewrite(state, op, index))) index += 1;
    else index = Math.max(0, index - 1);
  }
}

/**
 * The rewrites that TPU-MLIR does for these processors between calibration and lowering (numerics.md 1.2), on the graph and
 * its ranges. Answers the new values that have no range on purpose.
 */
export function optimize(graph: WorkingGraph, ranges: Map<string, Range>): ReadonlySet<string> {
  const state: Rewriting = { graph, ranges, uncalibrated: new Set() };
  mergeScales(graph);
  applyAll(state, REWRITES);
  applyAll(state, RESIZINGS);
  return state.uncalibrated;
}
