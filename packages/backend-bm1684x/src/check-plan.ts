import { type Graph, type Issue, type Plan, type Precision, QError } from '@q/ir';
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
      code: 'bm168x.plan.processor',
      where: 'processor',
      found: plan.processor,
      expected: [...PROCESSORS.keys()].join(', '),
    };
  }
  if (plan.asymmetric) {
    yield {
      code: 'bm168x.plan.asymmetric',
      where: 'asymmetric',
      found: 'asymmetric activations, which this lowering does not define yet',
      expected: 'symmetric quantization',
    };
  }
}

function* precisionIssues(plan: Plan): Generator<Issue> {
  const undefinedPrecision = (where: string, precision: Precision): Issue => ({
    code: 'bm168x.plan.precision',
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
    code: 'bm168x.plan.state',
    where: graph.name,
    found: graph.state,
    expected: 'TOP_F32',
    hint: 'lower the float network',
  };
}

function* thresholdIssues(graph: Graph, plan: Plan): Generator<Issue> {
  if (plan.precision === 'INT8' && plan.values.size === 0) {
    yield {
      code: 'bm168x.threshold-missing',
      where: 'calibration',
      found: 'no thresholds at all',
      expected: 'a calibration table',
      hint: 'run the calibration first, or deploy in F16 or F32',
    };
  }
  for (const [name, { threshold }] of plan.values) {
    if (!graph.values.has(name) || (threshold > 0 && Number.isFinite(threshold))) continue;
    yield {
      code: 'bm168x.threshold-invalid',
      where: name,
      found: `threshold ${threshold}`,
      expected: 'a positive number',
      hint: 'calibrate with images that reach this layer, or correct its row in the calibration table',
    };
  }
}
