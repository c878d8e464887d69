import { type Graph, type Issue, type Plan, QError } from '@q/ir';
import { thresholdIssues } from '@q/ir/lowering';

/** Throws with every reason why bm1684 cannot follow a plan. Operators that it names in a float type run in F32. */
export function checkPlan(graph: Graph, plan: Plan): void {
  const issues = [...planIssues(graph, plan), ...thresholdIssues(graph, plan)];
  const [first] = issues;
  if (first === undefined) return;
  const reasons = issues.map((issue) => `${issue.where ?? 'plan'}: ${issue.found}`).slice(0, 10);
  throw new QError(`The plan cannot be followed: ${reasons.join('; ')}.`, first, { issues });
}

function* planIssues(graph: Graph, plan: Plan): Generator<Issue> {
  if (plan.precision !== 'INT8' && plan.precision !== 'F32') {
    yield {
      code: 'lower.plan.precision',
      where: 'precision',
      found: `${plan.precision}, which bm1684 lacks`,
      expected: 'INT8, F32',
    };
  }
  if (plan.asymmetric) {
    yield {
      code: 'lower.plan.asymmetric',
      where: 'asymmetric',
      found: 'asymmetric activations, which bm1684 lacks',
      expected: 'symmetric quantization',
    };
  }
  if (plan.options?.matmulPerChannel) {
    yield {
      code: 'lower.plan.option',
      where: 'matmulPerChannel',
      found: 'scales per column of MatMul weights, which bm1684 lacks',
      expected: 'one scale per matrix',
    };
  }
  if (graph.state !== 'TOP_F32' && graph.state !== 'TOP_CALIBRATED') {
    yield {
      code: 'lower.plan.state',
      where: graph.name,
      found: graph.state,
      expected: 'TOP_F32',
      hint: 'lower the float network',
    };
  }
}
