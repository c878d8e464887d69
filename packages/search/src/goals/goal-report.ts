import { logged, type ReportLine, shown } from '../reports/report-line.ts';
import { pythonFloat } from '../tensor-match.ts';
import type { FoundFloatSets, MeasuredFloatSet } from './find-float-sets.ts';
import type { FloatSetMeasure } from './float-set-measure.ts';
import type { RefinedPlan } from './refine-plan.ts';

/** What was asked for, and what came of it. */
export interface GoalOutcome {
  readonly found: FoundFloatSets;
  readonly measure: Pick<FloatSetMeasure, 'name' | 'unit'>;
  /** The least that was wanted. */
  readonly expected: number;
  /** Is the nearest set written where none meets the goal? */
  readonly takesBest?: boolean;
  /** What that set became with thresholds and layers changed one by one. */
  readonly refined?: RefinedPlan;
}

/** A goal in a plan document. Values that are infinite are null. */
export interface GoalDocument {
  /** `cos`, `sqnr` in dB, or `metric`. */
  readonly measure: string;
  readonly expected: number;
  readonly isMet: boolean;
  /** Of the smallest set that meets the goal. */
  readonly value?: number | null;
  readonly floatMacs?: number;
  /** Of the whole network. */
  readonly macs: number;
}

/** A line of the list of accuracy against float MACs in a plan document. */
export interface ParetoDocument {
  readonly value: number | null;
  readonly cos: number;
  readonly floatMacs: number;
  readonly floatLayers: readonly string[];
}

/** Lines for the log and the console: sets that were measured, and which one meets the goal. */
export function goalReport({ found, measure, expected, takesBest, refined }: GoalOutcome): ReportLine[] {
  const { name, unit } = measure;
  const { tried, smallest, best, macs, stopped } = found;
  const nearest =
    takesBest && best ? `; the nearest has ${best.count} layers and a ${name} of ${valueText(best.value, unit)}` : '';
  const asked = `${name} of at least ${pythonFloat(expected)}${unit}`;
  return [
    ...logged(
      ...tried.map(
        (set) =>
          `float layer number: ${set.count}, mix model ${name}: ${pythonFloat(set.value)}${unit}${alsoCos(set, name)}`,
      ),
    ),
    ...shown(
      smallest === undefined
        ? `no float set of this ranking has a ${asked}${stopped === undefined ? '' : ' so far'}${nearest}`
        : `smallest float set with a ${asked}: ${smallest.count} layers, ${percent(smallest.floatMacs, macs)} of the MACs, ` +
            `${name} ${valueText(smallest.value, unit)}`,
    ),
    ...(refined === undefined ? [] : shown(refinedText(refined, measure))),
  ];
}

function refinedText({ set, before, tried, stopped }: RefinedPlan, { name, unit }: GoalOutcome['measure']): string {
  const values = `${valueText(before, unit)} to ${valueText(set.value, unit)}`;
  return `refined: ${name} from ${values} with ${set.count} layers, ${tried} networks${stopped === undefined ? '' : ' so far'}`;
}

function alsoCos({ score }: MeasuredFloatSet, name: string): string {
  return name === 'cos' ? '' : `, outputs_cos: ${pythonFloat(score)}`;
}

/** `12.3456 dB` */
export function valueText(value: number, unit: string): string {
  return `${Number.isFinite(value) ? value.toFixed(6) : pythonFloat(value)}${unit}`;
}

function percent(part: number, whole: number): string {
  return `${whole === 0 ? '0.0' : ((100 * part) / whole).toFixed(1)} %`;
}

export const PARETO_TITLES: readonly string[] = ['float layers', 'float MACs', 'of all'];

/** Cells of the table of accuracy against float MACs, in the order of `PARETO_TITLES`, the measure, and the likeness. */
export function paretoCells({ found, measure: { name, unit } }: GoalOutcome): string[][] {
  return found.pareto.map(({ count, floatMacs, value, score }) => [
    String(count),
    String(floatMacs),
    percent(floatMacs, found.macs),
    valueText(value, unit),
    ...(name === 'cos' ? [] : [score.toFixed(6)]),
  ]);
}

/** The same as a CSV with all digits, and the layers separated by blanks. */
export function paretoCsv({ found, measure: { name } }: GoalOutcome): string {
  const titles = ['float_layers', 'float_macs', 'float_macs_share', name, ...(name === 'cos' ? [] : ['cos']), 'layers'];
  const rows = found.pareto.map(({ count, floatMacs, value, score, floatLayers }) => [
    count,
    floatMacs,
    found.macs === 0 ? 0 : floatMacs / found.macs,
    value,
    ...(name === 'cos' ? [] : [score]),
    quoted(floatLayers.join(' ')),
  ]);
  return [titles, ...rows].map((row) => `${row.join(',')}\n`).join('');
}

function quoted(text: string): string {
  return `"${text.replaceAll('"', '""')}"`;
}

export function goalDocument({ found, measure, expected, refined }: GoalOutcome): GoalDocument {
  const { smallest, macs } = found;
  const set = refined !== undefined && refined.set.value >= expected ? refined.set : smallest;
  return {
    measure: measure.name,
    expected,
    isMet: set !== undefined,
    ...(set && { value: finiteOrNull(set.value), floatMacs: set.floatMacs }),
    macs,
  };
}

export function paretoDocument({ found }: GoalOutcome): ParetoDocument[] {
  return found.pareto.map(({ value, score, floatMacs, floatLayers }) => ({
    value: finiteOrNull(value),
    cos: score,
    floatMacs,
    floatLayers,
  }));
}

function finiteOrNull(value: number): number | null {
  return Number.isFinite(value) ? value : null;
}
