import { dirname, join } from 'node:path';
import { type Graph, type Plan, QError, type Reason } from '@q/ir';
import { type ExplainedLayer, explainPlan, type LossUnit, type PlanDocument, withFloatOps } from '@q/search';
import type { ArgumentParser } from 'argparse';
import type { Arguments } from '../arguments/arguments.ts';
import { readInputText } from '../files/input-files.ts';

const NAME = 'plan.json';

export function declarePlanFlag(parser: ArgumentParser): void {
  parser.add_argument('--plan', {
    default: '',
    help: `searches of layers: file of decisions and their reasons (default: ${NAME} beside the quantize table)`,
  });
}

/** What is decided, and why. */
export interface SearchedPlan {
  readonly graph: Graph;
  readonly plan: Plan;
  readonly lossUnit?: LossUnit;
}

/** The `plan.json` of a search, to be written with its tables. */
export function planFile(args: Arguments, { graph, plan, lossUnit }: SearchedPlan): { path: string; bytes: string } {
  const path = args.optionalString('plan') ?? join(dirname(args.string('quantize_table')), NAME);
  return { path, bytes: planText(explainPlan(graph, plan, lossUnit)) };
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
export function readPlanDocument(path: string): Pick<PlanDocument, 'floatLayers'> {
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
  return { floatLayers };
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
    expected: 'the plan.json that a search or q explain -o wrote',
  });
}
