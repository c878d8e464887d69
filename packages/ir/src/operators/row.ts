import type { AttributeSchema, AttributesOf } from '../attribute-schema.ts';
import type { Weight } from '../graph.ts';
import type { TensorType } from '../tensor-type.ts';

/** What a shape rule may look at. */
export interface ShapeContext<A> {
  readonly attributes: A;
  /** Types of the operands; `null` for absent ones. */
  readonly inputs: readonly (TensorType | null)[];
  /** Data of operands that are weights, by operand index. */
  weight(index: number): Weight | undefined;
}

/** What a shape rule answers: result types, and attributes that shape inference fixes (ir.md 7.2). */
export interface ShapeResult<A> {
  readonly outputs: readonly (TensorType | null)[];
  readonly attributes?: A;
}

/** Everything the IR knows about one operator: add an operator by adding a row. */
export interface OperatorRow<S extends AttributeSchema = AttributeSchema> {
  readonly attributes: S;
  /** A following Relu may be fused into it (ir.md 6, mark [R]). */
  readonly fusesRelu: boolean;
  /**
   * Operand names in order: `filter` must be there, `bias?` may be absent (`null`, or left out at the end),
   * `inputs...` (last) stands for one or more. An absent operand is `top.None` in `.mlir`, except `shapeT??`, which is
   * then not written at all (at most one such operand). Without the list the arity is not checked.
   */
  readonly operands?: readonly string[];
  /** Result names in order, spelled like `operands`; one plain result when left out. */
  readonly results?: readonly string[];
  inferShapes(context: ShapeContext<AttributesOf<S>>): ShapeResult<AttributesOf<S>>;
  /** Multiply-accumulates of one execution; absent for operators that only move or map data. */
  macs?(context: ShapeContext<AttributesOf<S>>, outputs: readonly (TensorType | null)[]): number;
}

/** Declares a row and keeps its schema's exact type. */
export function row<S extends AttributeSchema>(
  declaration: Omit<OperatorRow<S>, 'fusesRelu'> & { readonly fusesRelu?: boolean },
): OperatorRow<S> {
  return { fusesRelu: false, ...declaration };
}

/** Index of the operand that `.mlir` leaves out when it is absent, or -1. */
export function leftOutOperand(row: OperatorRow): number {
  return row.operands?.findIndex((name) => name.endsWith('??')) ?? -1;
}
