import type { Graph } from '../../graph.ts';
import { activationRules } from './activation.ts';
import { affineRules } from './affine.ts';
import { comparisonRules } from './comparison.ts';
import { convolutionRules } from './convolution.ts';
import { convolutionPairRules } from './convolution-pair.ts';
import { mergeIdentical } from './identical.ts';
import { layoutRules } from './layout.ts';
import { permutedSliceRules } from './permuted-slices.ts';
import { Rewriter, type Rule } from './rewriter.ts';
import { slicingRules } from './slicing.ts';

const RULES: readonly Rule[] = [
  ...layoutRules,
  ...slicingRules,
  ...permutedSliceRules,
  ...convolutionRules,
  ...convolutionPairRules,
  ...affineRules,
  ...activationRules,
  ...comparisonRules,
];

const rulesByType = new Map<string, Rule[]>();
for (const rule of RULES) rulesByType.set(rule.type, [...(rulesByType.get(rule.type) ?? []), rule]);

/**
 * The rewrites of `tpuc-opt --canonicalize` and `--extra-optimize` that decide which layers exist and what they are called
 * (ir.md 7.1, 7.3), run until nothing changes. A model that TPU-MLIR wrote must not be canonicalised again.
 */
export function canonicalize(graph: Graph): Graph {
  const rw = new Rewriter(graph);
  while (sweep(rw) || mergeIdentical(rw));
  return rw.finish();
}

function sweep(rw: Rewriter): boolean {
  let changed = false;
  for (const op of rw.list.slice()) {
    if (op.type === 'unknown' || !rulesByType.has(op.type)) continue;
    // A rule may have replaced operators that this loop has not reached yet.
    if (!rw.isLive(op)) continue;
    changed = rulesByType.get(op.type)!.some((rule) => rule.apply(op, rw)) || changed;
  }
  return changed;
}
