import { attributesWithDefaults, type Graph, type KnownOp, type Op, typeOf } from '@q/ir';

/** A Mul by a constant that is put behind a layer. */
export interface InsertedMul {
  readonly after: string;
  readonly name: string;
  readonly weightName: string;
  /** Broadcast against the layer's own shape. */
  readonly shape: readonly number[];
  readonly factors: Float32Array;
  /** Who reads the product from now on; default: every reader of the layer. */
  readonly readers?: ReadonlySet<string>;
}

/** The graph with a Mul behind a layer, and the layer's readers reading the product. */
export function insertMul(graph: Graph, inserted: InsertedMul): Graph {
  const { after, name, weightName, shape, factors, readers } = inserted;
  const mul = {
    type: 'top.Mul',
    name,
    inputs: [after, weightName],
    outputs: [name],
    attributes: attributesWithDefaults('top.Mul', {}),
  } as unknown as KnownOp;
  const ops = graph.ops.flatMap((op): Op[] => {
    const reads = op.inputs.includes(after) && (readers === undefined || readers.has(op.name));
    const own = reads ? ({ ...op, inputs: op.inputs.map((input) => (input === after ? name : input)) } as Op) : op;
    return op.name === after ? [own, mul] : [own];
  });
  return {
    ...graph,
    ops,
    values: new Map([...graph.values, [name, typeOf(graph, after)!]]),
    weights: new Map([...graph.weights, [weightName, { type: { shape, dtype: 'f32' }, data: factors }]]),
  };
}
