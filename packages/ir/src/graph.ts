import type { MlirAttribute } from './attribute-schema.ts';
import type { DType, TypedArray } from './dtype.ts';
import type { OpAttributes, OpType } from './operators/index.ts';
import type { TensorType } from './tensor-type.ts';

/**
 * One operator. Values are identified by name, because in TPU-MLIR the name *is* the identity: it is the key of every
 * calibration table, quantize table and npz (ir.md 2.5).
 */
export interface OpOf<T extends OpType> {
  readonly type: T;
  /** Layer name: the name of the first result. */
  readonly name: string;
  /** Names of values or weights; `null` stands for an absent optional operand (`top.None`). */
  readonly inputs: readonly (string | null)[];
  /** Names of the results, the first one equal to `name`; `null` is an optional result that is not produced. */
  readonly outputs: readonly (string | null)[];
  readonly attributes: OpAttributes[T];
  /** Attributes that were read from a file and are not in the operator's schema: kept and written back verbatim. */
  readonly unknownAttributes?: Readonly<Record<string, MlirAttribute>>;
}

/** An operator of a file that this version has no row for. It can be printed again, not executed. */
export interface UnknownOp {
  readonly type: 'unknown';
  readonly mnemonic: string;
  readonly name: string;
  readonly inputs: readonly (string | null)[];
  readonly outputs: readonly (string | null)[];
  readonly attributes: Readonly<Record<string, MlirAttribute>>;
}

export type KnownOp = { [T in OpType]: OpOf<T> }[OpType];
export type Op = KnownOp | UnknownOp;

export interface Weight {
  readonly type: TensorType;
  /** A view on the model file's bytes where its layout allows it. */
  readonly data: TypedArray;
  /** Attributes of the `top.Weight` op that was read, kept for writing it back. */
  readonly unknownAttributes?: Readonly<Record<string, MlirAttribute>>;
}

export type GraphState = 'TOP_F32' | 'TOP_CALIBRATED' | 'TOP_QUANTIZED' | 'TPU_LOWERED';

/**
 * A network. Plain frozen data: passes return new graphs, workers receive it by structured clone.
 * `ops` is in topological order and begins with the `top.Input`s in the network's input order.
 */
export interface Graph {
  /** Module name (`--model_name`). */
  readonly name: string;
  readonly state: GraphState;
  /** `ALL` until lowered, then the processor in lower case. */
  readonly chip: string;
  /** Front end that made it: `ONNX`, `TORCH`, `CAFFE`, … */
  readonly platform: string;
  readonly ops: readonly Op[];
  /** Type of every result of every op, inputs included; weights are in `weights`. */
  readonly values: ReadonlyMap<string, TensorType>;
  readonly weights: ReadonlyMap<string, Weight>;
  /** Names of the network outputs, in order. */
  readonly outputs: readonly string[];
  /** What the source framework called a value, where it differs from the layer name (ONNX `logits` → `logits_Gemm`). */
  readonly tensorNames: ReadonlyMap<string, string>;
  /**
   * Element type in which the caller supplies an input, by input name, where it differs from the value's: ONNX int64 ids
   * are `i32` arguments of `.mlir` text, and `f32` inside the network (ir.md 2.6).
   */
  readonly argumentTypes?: ReadonlyMap<string, DType>;
  /** Module attributes other than name, state, chip, platform and weight file. */
  readonly moduleAttributes: Readonly<Record<string, MlirAttribute>>;
}

/** Type of a value or weight of `graph`. */
export function typeOf(graph: Graph, name: string): TensorType | undefined {
  return graph.values.get(name) ?? graph.weights.get(name)?.type;
}

/** The network's inputs: its `top.Input` ops, in order. */
export function inputsOf(graph: Graph): OpOf<'top.Input'>[] {
  return graph.ops.filter((op): op is OpOf<'top.Input'> => op.type === 'top.Input');
}
