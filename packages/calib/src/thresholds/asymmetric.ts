import type { Graph, Op } from '@q/ir';

/** Layers that `--part_asymmetric` makes asymmetric (calibration.md 6.9). */
export interface AsymmetricGroups {
  /** Values whose range is cut at both tails. */
  readonly values: ReadonlySet<string>;
  /** For the `#asym_op` section: each activation, followed by the layers that read it. */
  readonly layers: readonly string[];
}

const ACTIVATIONS: ReadonlySet<string> = new Set(['top.SiLU', 'top.GELU']);
const READERS: ReadonlySet<string> = new Set(['top.Conv', 'top.MatMul']);

/** A SiLU or GELU all of whose readers are Conv or MatMul, with its readers. */
export function asymmetricGroups(graph: Graph): AsymmetricGroups {
  const values = new Set<string>();
  const layers: string[] = [];
  for (const op of graph.ops) {
    if (!ACTIVATIONS.has(op.type)) continue;
    const readers = graph.ops.filter((reader) => reader.inputs.includes(op.name));
    if (!readers.every((reader: Op) => READERS.has(reader.type))) continue;
    values.add(op.name);
    layers.push(op.name, ...readers.map(({ name }) => name));
  }
  return { values, layers };
}
