import { elementCount, type Graph, type Op, typeOf } from '@q/ir';

/** A value that gets a row in the calibration table. */
export interface ObservedValue {
  readonly name: string;
  readonly op: Op;
  /** Position of the op among all observed ops, which sets the percentile of `percentile9999`. */
  readonly opIndex: number;
  /** Elements of one sample. */
  readonly elements: number;
}

export interface ObservedValues {
  /** In the order of the table: op order, results in result order. */
  readonly values: readonly ObservedValue[];
  readonly opCount: number;
}

/**
 * Values that are observed (calibration.md 4): every result of every op, inputs included. A result that nothing reads is
 * left out when a sibling result is read.
 */
export function observedValues(graph: Graph): ObservedValues {
  const read = new Set([...graph.outputs, ...graph.ops.flatMap((op) => op.inputs)]);
  const values = graph.ops.flatMap((op, opIndex) => {
    const results = op.outputs.filter((name): name is string => name !== null);
    const used = results.filter((name) => read.has(name));
    return (used.length > 0 ? used : results).map(
      (name): ObservedValue => ({ name, op, opIndex, elements: elementCount(typeOf(graph, name)!.shape) }),
    );
  });
  return { values, opCount: graph.ops.length };
}
