import { isQError, QError } from '../errors.ts';
import { type Graph, type KnownOp, typeOf } from '../graph.ts';
import { operatorTable } from '../operators/index.ts';
import type { OperatorRow, ShapeContext, ShapeResult } from '../operators/row.ts';
import type { TensorType } from '../tensor-type.ts';

/**
 * Types of all results recomputed from the inputs' types, in order, and the attributes that shape inference fixes (ir.md 7.2).
 * Quantization that a value already carries is kept; operators without row keep their types.
 * Throws what the shape rules throw, with the layer's name in `where`.
 */
export function inferShapes(graph: Graph): Graph {
  const values = new Map(graph.values);
  const ops = graph.ops.map((op) => {
    if (op.type === 'unknown' || op.type === 'top.Input') return op;
    const { outputs, attributes } = applyShapeRule({ ...graph, values }, op);
    op.outputs.forEach((output, index) => {
      const type = outputs[index];
      if (output !== null && type != null) values.set(output, withStorageOf(graph.values.get(output), type, op));
    });
    return attributes === undefined ? op : ({ ...op, attributes } as KnownOp);
  });
  return { ...graph, ops, values };
}

function withStorageOf(known: TensorType | undefined, inferred: TensorType, op: KnownOp): TensorType {
  if (known === undefined) return inferred;
  if (known.quantization !== undefined) return { ...inferred, dtype: known.dtype, quantization: known.quantization };
  return decidesStorage(op) ? { ...inferred, dtype: known.dtype } : inferred;
}

/** Whether the storage type of the result is a choice of whoever made the op, which no shape rule can know. */
export function decidesStorage(op: KnownOp): boolean {
  return op.type === 'top.QuantizeLinear';
}

/** What the row of `op` says about its results, given the types that `graph` has for its operands. */
export function applyShapeRule(graph: Graph, op: KnownOp): ShapeResult<KnownOp['attributes']> {
  const row = operatorTable[op.type] as OperatorRow;
  const context = {
    attributes: op.attributes,
    inputs: op.inputs.map((input) => (input === null ? null : (typeOf(graph, input) ?? missing(op, input)))),
    weight: (index: number) => graph.weights.get(op.inputs[index] ?? ''),
  } as unknown as ShapeContext<never>;
  try {
    return row.inferShapes(context) as ShapeResult<KnownOp['attributes']>;
  } catch (cause) {
    if (!isQError(cause)) throw cause;
    throw new QError(`${op.type} ${op.name}: ${cause.message}`, { ...cause.issues[0]!, where: op.name }, { cause });
  }
}

function missing(op: KnownOp, operand: string): never {
  throw new QError(`${op.type} ${op.name} reads ${operand}, which does not exist.`, {
    code: 'graph.unknown-operand',
    where: op.name,
    found: operand,
  });
}
