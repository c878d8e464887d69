import type { Graph, Plan, Precision, Reason } from '@q/ir';
import { causeOf, explainCause, type FloatCause } from './float-reason.ts';

/** A layer that stays float, and why. */
export interface ExplainedLayer {
  readonly layer: string;
  readonly type: string;
  readonly precision: Precision;
  readonly reason: Reason['code'];
  /** What the layer alone costs in INT8: 1 − score. */
  readonly int8Loss?: number;
  readonly cause: FloatCause;
  /** The same for people. */
  readonly explanation: string;
}

/** What `plan.json` holds: decisions and their reasons, in the network's order. */
export interface PlanDocument {
  readonly processor: string;
  readonly precision: Precision;
  readonly floatLayers: readonly ExplainedLayer[];
  readonly thresholds: Readonly<Record<string, number>>;
}

const INTEGERS: ReadonlySet<Precision> = new Set(['INT8', 'UINT8', 'INT4', 'W4INT8']);

/** The plan as plain data for `plan.json`, every float layer with a reason and what its statistics show. */
export function explainPlan(graph: Graph, plan: Plan): PlanDocument {
  const floatLayers = graph.ops.flatMap((op): ExplainedLayer[] => {
    const chosen = plan.ops.get(op.name);
    if (chosen === undefined || INTEGERS.has(chosen.precision)) return [];
    const cause = causeOf(graph, op.name, plan.values);
    const { reason, precision } = chosen;
    const cost = reason.code === 'sensitivity' ? { int8Loss: reason.loss } : {};
    const why = reason.code === 'sensitivity' ? `costs ${reason.loss.toPrecision(4)} in INT8: ` : `${reason.code}: `;
    const explanation = `${why}${explainCause(cause)}`;
    return [{ layer: op.name, type: op.type, precision, reason: reason.code, ...cost, cause, explanation }];
  });
  const thresholds = Object.fromEntries([...plan.values].map(([name, { threshold }]) => [name, threshold]));
  return { processor: plan.processor, precision: plan.precision, floatLayers, thresholds };
}
