import type { Graph, Issue, Plan, Precision } from '@q/ir';
import { stateIssues, thresholdIssues, throwPlanIssues } from '@q/ir/lowering';

/** Numerically one processor under four names (numerics.md 1.1). */
export const PROCESSORS: readonly string[] = ['cv183x', 'cv182x', 'cv181x', 'cv180x'];

/** What a precision means here (numerics.md 4.3): every 16- or 32-bit float of a quantize table is BF16. */
const MEANING: Readonly<Partial<Record<Precision, 'INT8' | 'BF16'>>> = {
  INT8: 'INT8',
  BF16: 'BF16',
  F16: 'BF16',
  F32: 'BF16',
};

/** The precision that `wanted` becomes on these processors; undefined when they have nothing like it. */
export function precisionHere(wanted: Precision): 'INT8' | 'BF16' | undefined {
  return MEANING[wanted];
}

/** Throws everything that the plan asks for and that these processors lack, at once (`lower.plan.*`, `lower.threshold-*`). */
export function checkPlan(graph: Graph, plan: Plan): void {
  throwPlanIssues([
    ...processorIssues(plan),
    ...precisionIssues(plan),
    ...optionIssues(plan),
    ...stateIssues(graph),
    ...thresholdIssues(graph, plan),
  ]);
}

function* processorIssues(plan: Plan): Generator<Issue> {
  if (!PROCESSORS.includes(plan.processor)) {
    yield { code: 'lower.plan.processor', where: 'processor', found: plan.processor, expected: PROCESSORS.join(', ') };
  }
  if (plan.asymmetric) {
    yield {
      code: 'lower.plan.asymmetric',
      where: 'asymmetric',
      found: 'asymmetric activations, which these processors do not have',
      expected: 'symmetric quantization',
    };
  }
}

function* precisionIssues(plan: Plan): Generator<Issue> {
  // A table may say F32 and mean BF16; a whole network in F32 is a mode that these processors lack.
  if (plan.precision === 'F32' || precisionHere(plan.precision) === undefined) {
    yield lacking('precision', plan.precision, plan.precision === 'F32' ? 'deploy in BF16' : undefined);
  }
  for (const [name, { precision }] of plan.ops) {
    if (precisionHere(precision) === undefined) yield lacking(name, precision, undefined);
  }
}

function lacking(where: string, precision: Precision, hint: string | undefined): Issue {
  return {
    code: 'lower.plan.precision',
    where,
    found: `${precision}, which these processors do not have`,
    expected: 'INT8 or BF16',
    ...(hint === undefined ? {} : { hint }),
  };
}

function* optionIssues({ options }: Plan): Generator<Issue> {
  const refused = [
    [options?.matmulPerChannel, '--matmul_perchannel'],
    [options?.highPrecision, '--high_precision'],
    [options?.gelu !== undefined && options.gelu !== 'normal', '--gelu_mode'],
  ] as const;
  for (const [isSet, option] of refused) {
    if (isSet !== true) continue;
    yield {
      code: 'lower.plan.option',
      where: option,
      found: `${option}, which has no meaning on these processors`,
      expected: 'its default',
    };
  }
}
