import { type Graph, type Plan, QError, type Target } from '@q/ir';

/** Scores lowered networks per sample; `SuffixEvaluator` is one, running whole networks is another. */
export interface NetworkScores {
  /** Scores on the samples named (all without), in their order. */
  scores(candidates: readonly Graph[], samples?: readonly number[]): Promise<readonly Float64Array[]>;
}

/** Scores plans per sample. Plans are plain data, so that a worker may do it. */
export interface PlanScores {
  scores(plans: readonly Plan[], samples?: readonly number[]): Promise<readonly Float64Array[]>;
}

/** Lowers every plan and scores the networks. */
export function loweredScores(target: Target, graph: Graph, networks: NetworkScores): PlanScores {
  return {
    scores: async (plans, samples) =>
      networks.scores(
        plans.map((plan) => target.lower(graph, plan)),
        samples,
      ),
  };
}

/**
 * Scores from several scorers, each of which has its own samples: the first one's come first. What is asked is asked of all
 * of them at once; how many there are changes no score.
 */
export function joinedScores(parts: readonly PlanScores[]): PlanScores {
  return {
    async scores(plans, samples) {
      if (samples !== undefined) throw allOrNothing();
      const found = await Promise.all(parts.map((part) => part.scores(plans)));
      return plans.map((_, index) => joined(found.map((scores) => scores[index]!)));
    },
  };
}

function allOrNothing(): QError {
  return new QError('Joined scorers answer for all of their samples.', { code: 'search.samples-missing' });
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
