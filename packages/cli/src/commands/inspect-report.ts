import {
  expandAttention,
  type Graph,
  type Issue,
  type ModelSummary,
  type OpenPoint,
  type Precision,
  QError,
  type Target,
} from '@q/ir';
import type { OnnxSummary } from '@q/ir/onnx';
import type { ActivationPlan } from '@q/runtime';
import { renderTable } from '../terminal/table.ts';

export interface LayerPrecision {
  readonly name: string;
  readonly type: string;
  /** Best one first; empty when the processor cannot run the layer. */
  readonly precisions: readonly Precision[];
}

export interface ProcessorReport {
  readonly name: string;
  readonly layers: readonly LayerPrecision[];
  /** Layers per precision that they would run in. */
  readonly counts: Readonly<Record<string, number>>;
  /** Layers that cannot be lowered. */
  readonly refused: readonly string[];
  /** What is not pinned down for the operators of this network there. */
  readonly openPoints: readonly OpenPoint[];
}

/** What `q inspect` prints, as data: `--json` is exactly this. */
export interface Inspection {
  readonly file: string;
  /** ONNX files: what the file holds, importable or not. */
  readonly survey?: OnnxSummary;
  /** Of the network as imported; of its independent part when `issues` is not empty. */
  readonly summary?: ModelSummary;
  readonly activations?: ActivationPlan;
  readonly processor?: ProcessorReport;
  readonly issues: readonly Issue[];
}

export function precisionsOn(graph: Graph, target: Target, processor: string): ProcessorReport {
  // What a lowering sees: no processor has attention as one operator.
  const layers = expandAttention(graph)
    .ops.filter((op) => op.type !== 'top.Input')
    .map((op) => ({
      name: op.name,
      type: op.type === 'unknown' ? op.mnemonic : op.type,
      precisions: target.precisions(op, processor),
    }));
  const counts: Record<string, number> = {};
  for (const { precisions } of layers) {
    const [best] = precisions;
    if (best !== undefined) counts[best] = (counts[best] ?? 0) + 1;
  }
  const refused = layers.filter(({ precisions }) => precisions.length === 0).map(({ name }) => name);
  return { name: processor, layers, counts, refused, openPoints: openPointsOn(target, processor, graph) };
}

/** What is not pinned down for a processor; with a network, what concerns its operators. */
export function openPointsOn(target: Target, processor: string, graph?: Graph): readonly OpenPoint[] {
  const types = graph === undefined ? undefined : new Set<string>(graph.ops.map((op) => op.type));
  const points = target.openPoints?.(processor) ?? [];
  return points.filter(
    ({ operators }) => operators === undefined || types === undefined || operators.some((type) => types.has(type)),
  );
}

/** The list as text. */
export function renderOpenPoints(processor: string, points: readonly OpenPoint[]): string {
  if (points.length === 0) return `on ${processor}: nothing is known not to be pinned down`;
  const lines = points.map(({ topic, assumed }) => `  ${topic}: ${assumed}`);
  return [`on ${processor} not pinned down:`, ...lines].join('\n');
}

export function renderInspection(inspection: Inspection): string {
  const { file, survey, summary, activations, processor } = inspection;
  const partial = inspection.issues.length > 0 && survey !== undefined;
  const sections = [
    summary === undefined ? file : `${file}: ${summary.name}, ${summary.platform}, ${summary.state}`,
    ...(survey !== undefined && partial ? [renderSurvey(survey)] : []),
    ...(partial && summary !== undefined ? ['the part that does not depend on what is missing:'] : []),
    ...(summary === undefined ? [] : renderSummary(summary, activations)),
    ...(processor === undefined ? [] : [renderProcessor(processor)]),
  ];
  return sections.join('\n\n');
}

function renderSurvey(survey: OnnxSummary): string {
  const inputs = survey.inputs.map(({ name, shape, elementType }) => [
    name,
    dims(shape.map((dim) => (dim < 0 ? '?' : dim))),
    elementType ?? 'no number',
  ]);
  const nodes = survey.operators.map(({ type, count }) => [type, String(count)]);
  return [
    `opset ${survey.opset}; ${grouped(survey.parameters)} constants in ${bytes(survey.weightBytes)}`,
    table(['input', 'shape', 'type'], inputs),
    `outputs: ${survey.outputs.map(({ name }) => name).join(', ')}`,
    renderTable([left('node type'), right('count')], nodes),
  ].join('\n\n');
}

function renderSummary(summary: ModelSummary, activations: ActivationPlan | undefined): string[] {
  const values = [
    ...summary.inputs.map(({ name, shape, dtype }) => ['input', name, dims(shape), dtype]),
    ...summary.outputs.map(({ name, shape, dtype }) => ['output', name, dims(shape), dtype]),
  ];
  const operators = summary.operators.map(({ type, count, macs }) => [type, String(count), grouped(macs)]);
  const facts = [
    ['operators', grouped(summary.operators.reduce((sum, { count }) => sum + count, 0))],
    ['multiply-accumulates', grouped(summary.macs)],
    ['parameters', grouped(summary.parameters)],
    ['weights', bytes(summary.weightBytes)],
    ...(activations === undefined ? [] : [['peak activations', bytes(activations.peakBytes)]]),
  ];
  return [
    table(['', 'name', 'shape', 'type'], values),
    renderTable([left('operator'), right('count'), right('multiply-accumulates')], operators),
    facts.map(([name, value]) => `${name!.padEnd(22)}${value}`).join('\n'),
  ];
}

function renderProcessor({ name, layers, counts, refused, openPoints }: ProcessorReport): string {
  const rows = layers.map((layer) => [
    layer.name,
    layer.type,
    layer.precisions[0] ?? 'cannot run',
    layer.precisions.slice(1).join(' '),
  ]);
  const parts = Object.entries(counts).map(([precision, count]) => `${count} ${precision}`);
  const lost = refused.length === 0 ? '' : `; ${refused.length} cannot run: ${refused.join(', ')}`;
  return [
    `on ${name}: ${parts.join(', ')}${lost}`,
    table(['layer', 'operator', 'runs in', 'also'], rows),
    renderOpenPoints(name, openPoints),
  ].join('\n\n');
}

/** The issues of a model that is not usable as a whole, as the error that importing it gives. */
export function surveyError({ file, issues }: Inspection): QError {
  const types = [...new Set(issues.map(({ found }) => found).filter((found) => found !== undefined))];
  return new QError(`${file} cannot be used as a whole: ${types.join(', ')}`, issues[0]!, { issues });
}

const left = (title: string) => ({ title, align: 'left' }) as const;
const right = (title: string) => ({ title, align: 'right' }) as const;

function table(titles: readonly string[], rows: readonly (readonly string[])[]): string {
  return renderTable(titles.map(left), rows);
}

function dims(shape: readonly (number | string)[]): string {
  return `[${shape.join(',')}]`;
}

/** 1234567 → 1,234,567 in every locale. */
function grouped(count: number): string {
  return String(count).replace(/\B(?=(\d{3})+$)/g, ',');
}

function bytes(count: number): string {
  return `${grouped(count)} bytes`;
}
