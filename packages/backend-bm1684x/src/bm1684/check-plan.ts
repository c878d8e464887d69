import type { Graph, Issue, Plan } from '@q/ir';
import { stateIssues, thresholdIssues, throwPlanIssues } from '@q/ir/lowering';

/** Throws with every reason why bm1684 cannot follow a plan. Operators that it names in a float type run in F32. */
export function checkPlan(graph: Graph, plan: Plan): void {
  throwPlanIssues([...planIssues(plan), ...stateIssues(graph), ...thresholdIssues(graph, plan)]);
}

function* planIssues(plan: Plan): Generator<Issue> {
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
}
