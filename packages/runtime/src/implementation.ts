import type { OpOf, OpType, TensorType, Weight } from '@q/ir';
import type { KernelExports } from '@q/kernels-wasm';
import type { Slot, TensorSlot } from './slot.ts';

/**
 * How one operator type is executed. To add an operator, write one of these in the file of its family (`src/float/`,
 * `src/quantized/`) and name it in that file's table; nothing else changes.
 *
 * The life of an implementation:
 * 1. `sharing` says, from types alone, whether the result may live in an operand's memory. The memory plan needs it.
 * 2. `prepare` is called once per session. It checks what it cannot do (throwing a `QError`), packs weights, asks for
 *    scratch, computes every number that does not depend on data, and answers the function that does the work.
 * 3. That function is called on every run. It reads `slot.ptr` (the plan is made only after all `prepare`s), calls
 *    kernels, and neither allocates nor loops over elements in JavaScript where the operator is hot.
 */
export interface OpImplementation<T extends OpType = OpType> {
  sharing?(op: OpOf<T>, types: OperandTypes): Sharing;
  prepare(op: OpOf<T>, context: PrepareContext): RunOp;
  /** Of an operator that is one kernel function of every element of operand 0: that function (`fusion.ts`). */
  elementwise?(op: OpOf<T>): ElementFunction;
}

/** A function of float32 elements, as `f32_unary` takes it. */
export interface ElementFunction {
  /** `UnaryOp` */
  readonly code: number;
  readonly p: number;
  readonly q: number;
}

/** Executes the prepared operator once, on the data that lie in its slots. */
export type RunOp = () => void;

/** A table of implementations: one per family file, merged in `registry.ts`. */
export type Implementations = { readonly [T in OpType]?: OpImplementation<T> };

/**
 * - `fresh`: results need memory of their own (the default).
 * - `view`: the first result *is* operand `operand`, with other dimensions; `run` does nothing.
 * - `inPlace`: the first result may be written over any one of `operands` while reading it. The plan does so only when
 *   nothing reads that operand later; element i of the result may then depend on element i of that operand only.
 */
export type Sharing =
  | { readonly kind: 'fresh' }
  | { readonly kind: 'view'; readonly operand: number }
  | { readonly kind: 'inPlace'; readonly operands: readonly number[] };

export interface OperandTypes {
  /** Type of each operand, weights included; `null` for an absent one. */
  readonly inputs: readonly (TensorType | null)[];
  readonly outputs: readonly (TensorType | null)[];
}

/** What `prepare` may ask for. Operands and results are indexed as in `op.inputs` and `op.outputs`. */
export interface PrepareContext {
  readonly kernels: KernelExports;
  readonly memory: WebAssembly.Memory;
  /** Processor that the graph was lowered for, in lower case; `ALL` for float graphs. Families differ in rounding. */
  readonly chip: string;
  /** False in networks lowered with symmetric activations, whose sums and products leave the zero points of types out. */
  readonly asymmetric: boolean;
  /** Whether convolutions may be computed with other sums than the definition's (`Kernels.winograd`). */
  readonly winograd: boolean;
  /** Tells the caller of the session something about a run. */
  warn(code: string, message: string): void;
  /** Records the largest |sum| of a run that left the range of exact f32 integers. */
  noteAccumulator(largest: number): void;
  /** The place of a present operand: a value, or a weight's data as they are (uploaded on first demand, then shared). */
  input(index: number): TensorSlot;
  /** The same, or `null` when the operand is absent. */
  optionalInput(index: number): TensorSlot | null;
  /** Slots of all operands; throws when one is absent. */
  inputs(): readonly TensorSlot[];
  output(index?: number): TensorSlot;
  /** `null` when the graph does not produce that result. */
  optionalOutput(index: number): TensorSlot | null;
  /** Host-side data of an operand that is a weight (or was folded to a constant), in its storage type; else undefined. */
  constant(index: number): ConstantOperand | undefined;
  /** Memory that is this operator's alone while it runs; shared with other operators otherwise. Contents are lost. */
  scratch(byteLength: number): Slot;
  /** Read-only data computed by `prepare` (a stride plan, a table): placed for the life of the session. */
  place(data: ArrayBufferView): Slot;
  /**
   * A weight in the layout of a kernel, made once per weight and `layout` and kept for the life of the session; its raw
   * data need not stay.
   */
  pack(index: number, request: PackRequest): Slot;
  /**
   * Says that the operator can pass its result through a function before it leaves the cache: `prepare` answers what a run does
   * then, once and at most. The result is what the two operators one after the other give, bit for bit.
   */
  offerFusion(prepare: (then: ElementFunction) => RunOp): void;
  /** Like `place`, but made once per weight and `layout`: for derived data that do not need a kernel to make. */
  derive(index: number, layout: string, make: (weight: ConstantOperand) => ArrayBufferView): Slot;
}

export interface PackRequest {
  /** Identifies the form among all forms of one weight; it must name everything that the form depends on. */
  readonly layout: string;
  /** Bytes of the packed form. */
  readonly byteLength: number;
  /** Reorders the data on the host before `fill` sees them. */
  arrange?(weight: ConstantOperand): ArrayBufferView;
  /** Writes the packed form; both are addresses, `raw` of the weight's (arranged) data. */
  fill(raw: number, packed: number): void;
}

/** A weight as the host sees it. */
export interface ConstantOperand extends Weight {
  /** In storage type: half floats widened to `Float32Array`, 4-bit integers one per byte. */
  readonly data: Float32Array | Int8Array | Uint8Array | Int16Array | Int32Array;
}

/** The result needs memory of its own. */
export const FRESH: Sharing = { kind: 'fresh' };
