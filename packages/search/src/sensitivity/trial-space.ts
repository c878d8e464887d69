import type { Graph, Plan, Precision, Target } from '@q/ir';
import type { CandidateEffects } from './candidate-effect.ts';
import { withFloatOps, withThresholds } from './plan-edits.ts';
import type { NetworkScores } from './plan-scores.ts';
import type { MethodThresholds } from './sensitive-layers.ts';

/** Layers that are tried, and what it takes to try them. */
export interface TrialSpace {
  readonly target: Target;
  readonly graph: Graph;
  /** INT8 for every layer, with the thresholds that the search starts from. */
  readonly plan: Plan;
  readonly floatType: Precision;
  /** In the network's order. */
  readonly layers: readonly string[];
  readonly methods: readonly MethodThresholds[];
  readonly networks: NetworkScores;
  readonly effects: Pick<CandidateEffects, 'of'>;
  readonly sampleCount: number;
}

/** The network in which only `layer` is in INT8, with the thresholds of a working table. */
export function aloneInInt8(space: TrialSpace, working: Plan, layer: string, threshold: number): Graph {
  const others = space.layers.filter((name) => name !== layer);
  const plan = withThresholds(working, new Map([[layer, threshold]]));
  const trial = withFloatOps(plan, others, space.floatType, () => ({ code: 'sensitivity', loss: 0 }));
  return space.target.lower(space.graph, trial);
}
