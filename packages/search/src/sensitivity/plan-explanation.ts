import type { Graph, Plan, Precision, Reason } from '@q/ir';
import type { GoalDocument, ParetoDocument } from '../goals/goal-report.ts';
import { causeOf, explainCause, type FloatCause } from './float-reason.ts';

/** A layer that stays float, and why. */
export interface ExplainedLayer {
  readonly layer: string;
  readonly type: string;
  readonly precision: Precision;
  readonly reason: Reason['code'];
  /** What the layer alone costs in INT8, in the document's unit. */
  readonly int8Loss?: number;
  /** The layer for whose sake this one is float. */
  readonly neighbourOf?: string;
  readonly cause: FloatCause;
  /** The same for people. */
  readonly explanation: string;
}

/** What losses are: 1 − score of the outputs or of the layer, or dB of the outputs' signal-to-noise ratio. */
export type LossUnit = '1 - score' | 'dB';

/** What a search's plan file holds: decisions and their reasons, in the network's order. */
export interface PlanDocument {
  readonly processor: string;
  readonly precision: Precision;
  readonly lossUnit: LossUnit;
  readonly floatLayers: readonly ExplainedLayer[];
  readonly thresholds: Readonly<Record<string, number>>;
  /** What was to be reached with as few float layers as possible, if anything was. */
  readonly goal?: GoalDocument;
  /** Accuracy against float MACs, if that was asked for. */
  readonly pareto?: readonly ParetoDocument[];
}

const INTEGERS: ReadonlySet<Precision> = new Set(['INT8', 'UINT8', 'INT4', 'W4INT8']);

/** The plan as plain data for a file, every float layer with a reason and what its statistics show. */
export function explainPlan(graph: Graph, plan: Plan, lossUnit: LossUnit = '1 - score'): PlanDocument {
  const floatLayers = graph.ops.flatMap((op): ExplainedLayer[] => {
    const chosen = plan.ops.get(op.name);
    if (chosen === undefined || INTEGERS.has(chosen.precision)) return [];
    const cause = causeOf(graph, op.name, plan.values);
    const { reason, precision } = chosen;
    const explanation = `${because(reason, lossUnit)}: ${explainCause(cause)}`;
    return [
      { layer: op.name, type: op.type, precision, reason: reason.code, ...evidenceOf(reason), cause, explanation },
    ];
  });
  const thresholds = Object.fromEntries([...plan.values].map(([name, { threshold }]) => [name, threshold]));
  return { processor: plan.processor, precision: plan.precision, lossUnit, floatLayers, thresholds };
}

function evidenceOf(reason: Reason): Pick<ExplainedLayer, 'int8Loss' | 'neighbourOf'> {
  if (reason.code === 'sensitivity') return { int8Loss: reason.loss };
  return reason.code === 'neighbour' ? { neighbourOf: reason.of } : {};
}

function because(reason: Reason, unit: LossUnit): string {
  if (reason.code === 'neighbour') return `behind ${reason.of}`;
  if (reason.code !== 'sensitivity') return reason.code;
  return `costs ${reason.loss.toPrecision(4)}${unit === 'dB' ? ' dB' : ''} in INT8`;
}
