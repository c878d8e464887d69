import { type Graph, type Issue, type Plan, type Precision, QError } from '@q/ir';
import { thresholdIssues } from '@q/ir/lowering';
import { PRECISIONS, PROCESSORS, type Processor } from './processors.ts';

/** The processor of a plan that this lowering can follow; every reason why it cannot is told at once. */
export function checkPlan(graph: Graph, plan: Plan): Processor {
  const issues = [
    ...processorIssues(plan),
    ...precisionIssues(plan),
    ...stateIssues(graph),
    ...thresholdIssues(graph, plan),
  ];
  const [first] = issues;
  if (first !== undefined) {
    const reasons = issues.map((issue) => `${issue.where ?? 'plan'}: ${issue.found}`).slice(0, 10);
    throw new QError(`The plan cannot be followed: ${reasons.join('; ')}.`, first, { issues });
  }
  return PROCESSORS.get(plan.processor)!;
}

function* processorIssues(plan: Plan): Generator<Issue> {
  if (!PROCESSORS.has(plan.processor)) {
    yield {
      code: 'lower.plan.processor',
      where: 'processor',
      found: plan.processor,
      expected: [...PROCESSORS.keys()].join(', '),
    };
  }
  if (plan.asymmetric) {
    yield {
      code: 'lower.plan.asymmetric',
      where: 'asymmetric',
      found: 'asymmetric activations, which this lowering does not define yet',
      expected: 'symmetric quantization',
    };
  }
}

function* precisionIssues(plan: Plan): Generator<Issue> {
  const undefinedPrecision = (where: string, precision: Precision): Issue => ({
    code: 'lower.plan.precision',
    where,
    found: `${precision}, which is not defined yet on ${plan.processor}`,
    expected: PRECISIONS.join(', '),
  });
  if (!PRECISIONS.includes(plan.precision)) yield undefinedPrecision('precision', plan.precision);
  for (const [name, { precision }] of plan.ops) {
    if (!PRECISIONS.includes(precision)) yield undefinedPrecision(name, precision);
  }
}

function* stateIssues(graph: Graph): Generator<Issue> {
  if (graph.state === 'TOP_F32' || graph.state === 'TOP_CALIBRATED') return;
  yield {
    code: 'lower.plan.state',
    where: graph.name,
    found: graph.state,
    expected: 'TOP_F32',
    hint: 'lower the float network',
  };
}
