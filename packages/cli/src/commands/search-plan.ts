import { type Graph, type Plan, QError, type Reason } from '@q/ir';
import {
  type ExplainedLayer,
  explainPlan,
  type GoalOutcome,
  goalDocument,
  type LossUnit,
  type PlanDocument,
  paretoDocument,
  withFloatOps,
} from '@q/search';
import type { ArgumentParser } from 'argparse';
import type { Arguments } from '../arguments/arguments.ts';
import { readInputText } from '../files/input-files.ts';

/** Behind the name of the quantize table, so that searches that share a folder keep their plans. */
const SUFFIX = '.plan.json';

export function declarePlanFlag(parser: ArgumentParser): void {
  parser.add_argument('--plan', {
    default: '',
    help: `searches of layers: file of decisions and their reasons (default: QUANTIZE_TABLE${SUFFIX})`,
  });
}

/** What is decided, and why. */
export interface SearchedPlan {
  readonly graph: Graph;
  readonly plan: Plan;
  readonly lossUnit?: LossUnit;
  /** What was to be reached, if anything was, and whether a list was asked for. */
  readonly goal?: { readonly outcome: GoalOutcome; readonly lists: boolean };
}

/** The plan of a search, to be written with its tables. */
export function planFile(
  args: Arguments,
  { graph, plan, lossUnit, goal }: SearchedPlan,
): { path: string; bytes: string } {
  const path = args.optionalString('plan') ?? `${args.string('quantize_table')}${SUFFIX}`;
  const document: PlanDocument = {
    ...explainPlan(graph, plan, lossUnit),
    ...(goal && { goal: goalDocument(goal.outcome) }),
    ...(goal?.lists && { pareto: paretoDocument(goal.outcome) }),
  };
  return { path, bytes: planText(document) };
}

export function planText(document: PlanDocument): string {
  return `${JSON.stringify(document, undefined, 2)}\n`;
}

/** The plan with layers in float for the reasons that are known, and by default otherwise. */
export function withReasons(
  plan: Plan,
  floatLayers: readonly string[],
  { floatType, reasons }: { readonly floatType: Plan['precision']; readonly reasons: ReadonlyMap<string, Reason> },
): Plan {
  return withFloatOps(plan, floatLayers, floatType, (name) => reasons.get(name) ?? { code: 'default' });
}

/** Losses as reasons. */
export function lossReasons(losses: Iterable<readonly [layer: string, loss: number]>): Map<string, Reason> {
  return new Map([...losses].map(([layer, loss]) => [layer, { code: 'sensitivity', loss }]));
}

/** @throws QError `cli.not-a-plan` */
export function readPlanDocument(path: string): Pick<PlanDocument, 'floatLayers' | 'goal'> {
  let document: unknown;
  try {
    document = JSON.parse(readInputText(path, 'plan'));
  } catch (error) {
    if (error instanceof SyntaxError) throw notAPlan(path, error.message);
    throw error;
  }
  if (typeof document !== 'object' || document === null || !('floatLayers' in document)) {
    throw notAPlan(path, 'no floatLayers');
  }
  const { floatLayers } = document;
  if (!Array.isArray(floatLayers) || !floatLayers.every(isExplainedLayer)) {
    throw notAPlan(path, 'floatLayers without layer, type, precision or explanation');
  }
  const goal = 'goal' in document ? document.goal : undefined;
  if (goal !== undefined && !isGoal(goal)) throw notAPlan(path, 'a goal without measure, expected, isMet or macs');
  return { floatLayers, ...(goal && { goal }) };
}

function isGoal(value: unknown): value is NonNullable<PlanDocument['goal']> {
  if (typeof value !== 'object' || value === null) return false;
  const { measure, expected, isMet, macs } = value as Readonly<Record<string, unknown>>;
  return [typeof measure, typeof expected, typeof isMet, typeof macs].join() === 'string,number,boolean,number';
}

function isExplainedLayer(value: unknown): value is ExplainedLayer {
  if (typeof value !== 'object' || value === null) return false;
  const record = value as Readonly<Record<string, unknown>>;
  return ['layer', 'type', 'precision', 'explanation'].every((key) => typeof record[key] === 'string');
}

function notAPlan(path: string, found: string): QError {
  return new QError(`${path} is no plan of a search`, {
    code: 'cli.not-a-plan',
    where: path,
    found,
    expected: `the *${SUFFIX} that a search or q explain -o wrote`,
  });
}
