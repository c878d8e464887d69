import { type DType, elementCount } from './dtype.ts';
import { type Graph, inputsOf, type Op, typeOf } from './graph.ts';
import { operatorTable } from './operators/index.ts';
import type { OperatorRow, ShapeContext } from './operators/row.ts';

export interface ValueSummary {
  readonly name: string;
  readonly shape: readonly number[];
  readonly dtype: DType;
}

export interface OperatorCount {
  /** Mnemonic, `top.Conv`. */
  readonly type: string;
  readonly count: number;
  /** Multiply-accumulates of all operators of this type. */
  readonly macs: number;
}

/** What a network is made of; see `summarize`. */
export interface ModelSummary {
  readonly name: string;
  readonly platform: string;
  readonly state: string;
  readonly chip: string;
  readonly inputs: readonly ValueSummary[];
  readonly outputs: readonly ValueSummary[];
  /** By type: the most multiply-accumulates first, then the most frequent. Inputs are not counted. */
  readonly operators: readonly OperatorCount[];
  readonly macs: number;
  /** Elements of all weights; one that several operators share counts once. */
  readonly parameters: number;
  readonly weightBytes: number;
  /** Operators of a file that have no row in the operator table, by mnemonic. */
  readonly unknown: readonly { readonly type: string; readonly names: readonly string[] }[];
}

/**
 * Counts what a network consists of. Multiply-accumulates are those of one execution at the graph's shapes; operators
 * that only move or map data have none (`OperatorRow.macs`).
 */
export function summarize(graph: Graph): ModelSummary {
  const operators = countOperators(graph);
  const data = new Map([...graph.weights.values()].map((weight) => [weight.data, weight.type] as const));
  const sum = (numbers: Iterable<number>) => [...numbers].reduce((total, number) => total + number, 0);
  return {
    name: graph.name,
    platform: graph.platform,
    state: graph.state,
    chip: graph.chip,
    inputs: inputsOf(graph).map((op) => describeValue(graph, op.name, graph.argumentTypes?.get(op.name))),
    outputs: graph.outputs.map((name) => describeValue(graph, name)),
    operators,
    macs: sum(operators.map(({ macs }) => macs)),
    parameters: sum([...data.values()].map(({ shape }) => elementCount(shape))),
    weightBytes: sum([...data.keys()].map(({ byteLength }) => byteLength)),
    unknown: unknownOperators(graph),
  };
}

/** Multiply-accumulates of one execution of `op`; 0 for operators that only move or map data, and for unknown ones. */
export function macsOf(graph: Graph, op: Op): number {
  if (op.type === 'unknown') return 0;
  const row: OperatorRow = operatorTable[op.type];
  if (row.macs === undefined) return 0;
  const type = (name: string | null) => (name === null ? null : (typeOf(graph, name) ?? null));
  const context = {
    attributes: op.attributes,
    inputs: op.inputs.map(type),
    weight: (index: number) => graph.weights.get(op.inputs[index] ?? ''),
  } as unknown as ShapeContext<never>;
  return row.macs(context, op.outputs.map(type));
}

function countOperators(graph: Graph): OperatorCount[] {
  const counts = new Map<string, { count: number; macs: number }>();
  for (const op of graph.ops) {
    if (op.type === 'top.Input') continue;
    const type = mnemonicOf(op);
    const { count, macs } = counts.get(type) ?? { count: 0, macs: 0 };
    counts.set(type, { count: count + 1, macs: macs + macsOf(graph, op) });
  }
  return [...counts]
    .map(([type, counted]) => ({ type, ...counted }))
    .sort((a, b) => b.macs - a.macs || b.count - a.count || (a.type < b.type ? -1 : 1));
}

function unknownOperators(graph: Graph): ModelSummary['unknown'] {
  const names = new Map<string, string[]>();
  for (const op of graph.ops) {
    if (op.type === 'unknown') names.set(op.mnemonic, [...(names.get(op.mnemonic) ?? []), op.name]);
  }
  return [...names].map(([type, list]) => ({ type, names: list }));
}

/** The operator's name in `.mlir` text. */
function mnemonicOf(op: Op): string {
  return op.type === 'unknown' ? op.mnemonic : op.type;
}

function describeValue(graph: Graph, name: string, given?: DType): ValueSummary {
  const type = typeOf(graph, name);
  return { name, shape: type?.shape ?? [], dtype: given ?? type?.dtype ?? 'f32' };
}
