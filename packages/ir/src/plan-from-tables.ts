import { QError } from './errors.ts';
import type { Graph } from './graph.ts';
import type { OpPlan, Plan, PlanOptions, Precision, ValueRange } from './plan.ts';
import type { CalibrationTable } from './tables/calibration-table.ts';
import { calibrationTableFor, quantizeTableFor } from './tables/older-names.ts';
import type { QuantizeTable } from './tables/quantize-table.ts';

const PRECISIONS: readonly Precision[] = [
  'INT8',
  'UINT8',
  'INT4',
  'F16',
  'BF16',
  'F32',
  'W8F16',
  'W8BF16',
  'W4F16',
  'W4BF16',
  'W4INT8',
];

/** `word` as a precision, in any case; `undefined` for modes that no target here lowers to (FP8, DYN). */
export function parsePrecision(word: string): Precision | undefined {
  return PRECISIONS.find((precision) => precision === word.toUpperCase());
}

export interface PlanSources {
  readonly processor: string;
  /** `--quantize`: precision of every layer that the quantize table does not name. */
  readonly precision: Precision;
  readonly asymmetric?: boolean;
  readonly calibrationTable?: CalibrationTable;
  readonly quantizeTable?: QuantizeTable;
  /** Name of the quantize table in messages and reasons. */
  readonly quantizeTableName?: string;
  readonly options?: PlanOptions;
  /** The network, for rows that spell its layers as TPU-MLIR 1.17 does: the plan has them under the layers' names. */
  readonly graph?: Graph;
}

/**
 * The plan that a calibration table and a quantize table describe. Names that the network does not have are kept: the
 * tables are looked up after the processor's own rewrites (ir.md section 10).
 *
 * @throws QError `qtable.mode` for modes that no target lowers to
 */
export function planFromTables(sources: PlanSources): Plan {
  const { processor, precision, asymmetric = false, calibrationTable, quantizeTable } = tablesOfGraph(sources);
  const name = sources.quantizeTableName ?? 'quantize table';
  const values = new Map<string, ValueRange>();
  for (const [value, row] of calibrationTable?.rows ?? []) {
    values.set(value, { threshold: row.threshold, min: row.min, max: row.max });
  }
  const ops = new Map<string, OpPlan>();
  for (const [layer, row] of quantizeTable?.rows ?? []) {
    const chosen = parsePrecision(row.mode);
    if (chosen === undefined) {
      throw new QError(`${name}: ${layer} is to run in ${row.mode}, which is not supported here`, {
        code: 'qtable.mode',
        where: `${name}, ${layer}`,
        found: row.mode,
        expected: PRECISIONS.join(', '),
      });
    }
    const { groupSize } = row;
    ops.set(layer, {
      precision: chosen,
      reason: { code: 'user', rule: name },
      ...(groupSize === undefined ? {} : { groupSize }),
    });
  }
  const plan: Plan = { processor, precision, asymmetric, ops, values };
  return {
    ...plan,
    ...(sources.options === undefined ? {} : { options: sources.options }),
    ...(calibrationTable === undefined ? {} : { sections: calibrationTable.sections }),
  };
}

function tablesOfGraph(sources: PlanSources): PlanSources {
  const { graph, calibrationTable, quantizeTable } = sources;
  if (graph === undefined) return sources;
  return {
    ...sources,
    ...(calibrationTable && { calibrationTable: calibrationTableFor(graph, calibrationTable) }),
    ...(quantizeTable && { quantizeTable: quantizeTableFor(graph, quantizeTable) }),
  };
}
