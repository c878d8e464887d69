import type { Graph, Plan, Target } from '@q/ir';

/** Scores lowered networks per sample; `SuffixEvaluator` is one, running whole networks is another. */
export interface NetworkScores {
  scores(candidates: readonly Graph[]): Promise<readonly Float64Array[]>;
}

/** Scores plans per sample. Plans are plain data, so that a worker may do it. */
export interface PlanScores {
  scores(plans: readonly Plan[]): Promise<readonly Float64Array[]>;
}

/** Lowers every plan and scores the networks. */
export function loweredScores(target: Target, graph: Graph, networks: NetworkScores): PlanScores {
  return { scores: async (plans) => networks.scores(plans.map((plan) => target.lower(graph, plan))) };
}

/**
 * Scores from several scorers, each of which has its own samples: the first one's come first. What is asked is asked of all
 * of them at once; how many there are changes no score.
 */
export function joinedScores(parts: readonly PlanScores[]): PlanScores {
  return {
    async scores(plans) {
      const found = await Promise.all(parts.map((part) => part.scores(plans)));
      return plans.map((_, index) => joined(found.map((scores) => scores[index]!)));
    },
  };
}

function joined(parts: readonly Float64Array[]): Float64Array {
  const all = new Float64Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}
