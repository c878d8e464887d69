import type { Graph, Issue, Plan, PlanOptions, Precision } from '@q/ir';
import { stateIssues, thresholdIssues, throwPlanIssues } from '@q/ir/lowering';
import { PROCESSORS, type Processor, precisionsOf } from './processors.ts';

/** The processor of a plan that this lowering can follow; every reason why it cannot is told at once. */
export function checkPlan(graph: Graph, plan: Plan): Processor {
  throwPlanIssues([
    ...processorIssues(plan),
    ...precisionIssues(plan),
    ...optionIssues(plan),
    ...stateIssues(graph),
    ...thresholdIssues(graph, plan),
  ]);
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
}

function* precisionIssues(plan: Plan): Generator<Issue> {
  const processor = PROCESSORS.get(plan.processor);
  if (processor === undefined) return;
  const defined = precisionsOf(processor);
  const undefinedPrecision = (where: string, precision: Precision): Issue => ({
    code: 'lower.plan.precision',
    where,
    found: `${precision}, which ${plan.processor} does not have`,
    expected: defined.join(', '),
  });
  if (!defined.includes(plan.precision)) yield undefinedPrecision('precision', plan.precision);
  for (const [name, { precision }] of plan.ops) {
    if (!defined.includes(precision)) yield undefinedPrecision(name, precision);
    else if (mixesWeightTypes(plan.precision, precision)) {
      yield {
        code: 'lower.plan.precision',
        where: name,
        found: `${precision} in a network that runs in ${plan.precision}`,
        expected: 'weight-only precisions of the same 16-bit type',
      };
    }
  }
}

/** W8F16 and W4F16 do not go with BF16, nor the BF16 forms with F16 (numerics.md 4.3). */
function mixesWeightTypes(network: Precision, own: Precision): boolean {
  if (!own.startsWith('W') || own === 'W4INT8') return false;
  return own.endsWith('BF16') ? /^(W.)?F16$/.test(network) : network.endsWith('BF16');
}

function* optionIssues(plan: Plan): Generator<Issue> {
  const processor = PROCESSORS.get(plan.processor);
  const refused = (option: keyof PlanOptions, found: string, expected: string): Issue => ({
    code: 'lower.plan.option',
    where: option,
    found,
    expected,
  });
  const { matmulPerChannel, groupSize } = plan.options ?? {};
  if (matmulPerChannel && processor && !processor.hasPerChannelMatMul) {
    yield refused('matmulPerChannel', `per-channel products on ${plan.processor}`, 'bm1684x, bm1688 or cv186x');
  }
  if (groupSize !== undefined && (!Number.isInteger(groupSize) || groupSize < 0 || groupSize % 2 === 1)) {
    yield refused('groupSize', String(groupSize), 'an even number of weights, or 0 for one scale per channel');
  }
}
