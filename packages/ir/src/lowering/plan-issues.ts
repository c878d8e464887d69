import { type Issue, QError } from '../errors.ts';
import type { Emit } from '../events.ts';
import type { Graph } from '../graph.ts';

/** One error for everything that a plan asks for in vain; nothing when there is nothing. */
export function throwPlanIssues(issues: readonly Issue[]): void {
  const [first] = issues;
  if (first === undefined) return;
  const reasons = issues.map((issue) => `${issue.where ?? 'plan'}: ${issue.found}`).slice(0, 10);
  throw new QError(`The plan cannot be followed: ${reasons.join('; ')}.`, first, { issues });
}

/** Only float networks can be lowered. */
export function* stateIssues(graph: Graph): Generator<Issue> {
  if (graph.state === 'TOP_F32' || graph.state === 'TOP_CALIBRATED') return;
  yield {
    code: 'lower.plan.state',
    where: graph.name,
    found: graph.state,
    expected: 'TOP_F32',
    hint: 'lower the float network',
  };
}

/** Tells that the ranges of a network did not settle. */
export function warnOfContradiction(graph: Graph, emit: Emit | undefined): void {
  emit?.({
    type: 'warning',
    code: 'lower.range-contradiction',
    message: 'The calibrated ranges contradict each other; propagation stopped where the vendor stops.',
    where: graph.name,
  });
}
