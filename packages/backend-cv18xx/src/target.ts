import { type Graph, type Issue, type Plan, type Precision, QError, type Target } from '@q/ir';
import {
  assembleLowered,
  attempt,
  dropReluLimits,
  forwardViewTypes,
  importRanges,
  insertCasts,
  LoweringContext,
  mergeScales,
  propagateRanges,
  thresholdIssues,
  throwRefusals,
  topOperator,
  tpuArtefacts,
  WorkingGraph,
} from '@q/ir/lowering';
import { hasInt8Form, lowerOp } from './lower-op.ts';

/** Numerically one processor under four names (numerics.md 1.1). */
const PROCESSORS: readonly string[] = ['cv183x', 'cv182x', 'cv181x', 'cv180x'];

function* planIssues(graph: Graph, plan: Plan): Generator<Issue> {
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
  for (const [where, { precision }] of [['precision', plan] as const, ...plan.ops]) {
    if (precision === 'INT8') continue;
    const meaning = precision === 'F32' || precision === 'F16' ? `${precision} (BF16 on these processors)` : precision;
    yield { code: 'lower.plan.precision', where, found: `${meaning}, which is not defined here yet`, expected: 'INT8' };
  }
  if (graph.state !== 'TOP_F32' && graph.state !== 'TOP_CALIBRATED') {
    yield { code: 'lower.plan.state', where: graph.name, found: graph.state, expected: 'TOP_F32' };
  }
  yield* thresholdIssues(graph, plan);
}

function checkPlan(graph: Graph, plan: Plan): void {
  const issues = [...planIssues(graph, plan)];
  const [first] = issues;
  if (first === undefined) return;
  const reasons = issues.map((issue) => `${issue.where ?? 'plan'}: ${issue.found}`).slice(0, 10);
  throw new QError(`The plan cannot be followed: ${reasons.join('; ')}.`, first, { issues });
}

/** Lowers a Top graph to INT8 for a CV18xx processor (numerics.md 4 to 6, 9): everything is signed and symmetric. */
function lower(graph: Graph, plan: Plan): Graph {
  checkPlan(graph, plan);
  const working = new WorkingGraph(graph);
  const ranges = importRanges(graph, plan, ({ max }) => ({ min: -max, max }));
  mergeScales(working);
  propagateRanges(working, ranges, plan, 'cv18xx');
  const precisions = new Map<string, Precision>(working.ops.map((op) => [op.name, 'INT8']));
  const context = new LoweringContext({ graph: working, ranges, precisions });
  const issues: Issue[] = [];
  for (const op of working.ops) attempt(issues, () => lowerOp(context, topOperator(op)));
  throwRefusals(issues);
  forwardViewTypes(context);
  let outputs: readonly string[] = [];
  attempt(issues, () => {
    outputs = insertCasts(context, graph.outputs, { quantizesInputsOnCpu: true });
  });
  throwRefusals(issues);
  dropReluLimits(context);
  return assembleLowered(graph, plan, context, outputs);
}

/** Sophgo's CV18xx family: INT8 with 31-bit multipliers and two roundings; BF16 is its float type. */
export const cv18xx: Target = {
  name: 'cv18xx',
  processors: PROCESSORS,
  floatType: () => 'BF16',
  precisions: (op) => (op.type === 'top.Input' ? ['F32'] : hasInt8Form(op.type) ? ['INT8'] : []),
  lower,
  artefacts: tpuArtefacts,
};
