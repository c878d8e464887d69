import type { Graph } from '../graph.ts';
import type { CalibrationSections, CalibrationTable } from './calibration-table.ts';
import type { QuantizeTable } from './quantize-table.ts';

/**
 * What import appends to a layer's name for a layer of its own. TPU-MLIR puts `_r_` before it, and up to 1.17 `_`: seen with 1.17
 * are all but `MulOrConv` and `reshape` (ir.md section 7 and pitfall 14).
 */
const HELPER = /_r_(?=(?:permute_for_|(?:new|reshape3?|expand0|Depth2Space|MulOrConv|Reshape)(?:_r_|$)))/g;

/**
 * The layer that a name in a table, a file or a flag means: a name of `known` is that layer, also where it is 1.17's spelling of
 * another; a name that is 1.17's spelling of exactly one of them is that one; every other name stays as it is.
 */
export function layerNames(known: Iterable<string>): (name: string) => string {
  const names = new Set(known);
  const layers = new Map<string, string | undefined>();
  for (const name of names) {
    const older = olderName(name, names);
    if (older !== name && !names.has(older)) layers.set(older, layers.has(older) ? undefined : name);
  }
  return (name) => layers.get(name) ?? name;
}

/** A Reshape of the model may be called `x_r_Reshape`, too: import's is named after another layer. */
function olderName(name: string, names: ReadonlySet<string>): string {
  return name.replace(HELPER, (infix, at: number) => {
    const isOwn = name.startsWith('Reshape', at + infix.length) && !names.has(name.slice(0, at));
    return isOwn ? infix : '_';
  });
}

/** The rows by the layers that they mean, in their order. A row under the layer's own name wins; the other then keeps its name. */
export function rowsByLayer<Row>(rows: ReadonlyMap<string, Row>, known: Iterable<string>): ReadonlyMap<string, Row> {
  const layerOf = layerNames(known);
  return new Map([...rows].map(([name, row]) => [rows.has(layerOf(name)) ? name : layerOf(name), row]));
}

/** Names of the layers of `graph` and of all their results. */
function namesOf(graph: Graph): Set<string> {
  return new Set([...graph.ops.map(({ name }) => name), ...graph.values.keys()]);
}

/** `names` as the layers of `graph` that they mean. */
export function namedLayers(graph: Graph, names: readonly string[]): string[] {
  return names.map(layerNames(namesOf(graph)));
}

/** The table with the names of `graph` in all its blocks, where it is one of TPU-MLIR 1.17. */
export function calibrationTableFor(graph: Graph, table: CalibrationTable): CalibrationTable {
  const known = namesOf(graph);
  return { ...table, rows: rowsByLayer(table.rows, known), sections: sectionsByLayer(table.sections, known) };
}

function sectionsByLayer(sections: CalibrationSections, known: ReadonlySet<string>): CalibrationSections {
  const layerOf = layerNames(known);
  const layers = (names: readonly string[]) => [...new Set(names.map(layerOf))];
  return {
    int4: rowsByLayer(sections.int4, known),
    fp8: rowsByLayer(sections.fp8, known),
    asymmetricOps: layers(sections.asymmetricOps),
    int4Ops: layers(sections.int4Ops),
    weightScales: weightsByLayer(sections.weightScales, known),
  };
}

const WEIGHT = '_weight';

function weightsByLayer(scales: CalibrationSections['weightScales'], known: ReadonlySet<string>) {
  const isOfLayer = (name: string) => name.endsWith(WEIGHT);
  const others = [...scales].filter(([name]) => !isOfLayer(name));
  const ofLayers = [...scales].filter(([name]) => isOfLayer(name));
  const byLayer = rowsByLayer(new Map(ofLayers.map(([name, row]) => [name.slice(0, -WEIGHT.length), row])), known);
  return new Map([...[...byLayer].map(([layer, row]) => [`${layer}${WEIGHT}`, row] as const), ...others]);
}

/** The table with the names of `graph`, where it is one of TPU-MLIR 1.17. */
export function quantizeTableFor(graph: Graph, table: QuantizeTable): QuantizeTable {
  const known = namesOf(graph);
  return { ...table, rows: rowsByLayer(table.rows, known), comments: rowsByLayer(table.comments, known) };
}
