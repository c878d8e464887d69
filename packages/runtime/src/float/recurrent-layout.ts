import { BiasMode } from '@q/kernels-wasm';
import type { PrepareContext } from '../implementation.ts';
import type { Slot, TensorSlot } from '../slot.ts';
import { refuse } from './refuse.ts';

/** Sizes of a recurrent layer and where time step `t` of sample `b` lies in its tensors, in rows. */
export interface RecurrentLayout {
  readonly steps: number;
  readonly batch: number;
  readonly directions: number;
  readonly hidden: number;
  readonly inputs: number;
  /** Row of X, and of the projected X, for step t and sample b. */
  inputRow(t: number, b: number): number;
  /** Row of Y [seq, dirs, batch, hidden] (or batch first). */
  outputRow(t: number, direction: number, b: number): number;
  /** Row of a state [dirs, batch, hidden] (or batch first). */
  stateRow(direction: number, b: number): number;
}

export function recurrentLayout(
  x: TensorSlot,
  { hiddenSize, bidirectional, batchFirst }: { hiddenSize: number; bidirectional: boolean; batchFirst: boolean },
): RecurrentLayout {
  const [first, second, inputs] = x.shape as [number, number, number];
  const [steps, batch] = batchFirst ? [second, first] : [first, second];
  const directions = bidirectional ? 2 : 1;
  return {
    steps,
    batch,
    directions,
    hidden: hiddenSize,
    inputs,
    inputRow: (t, b) => (batchFirst ? b * steps + t : t * batch + b),
    outputRow: (t, direction, b) =>
      batchFirst ? (b * steps + t) * directions + direction : (t * directions + direction) * batch + b,
    stateRow: (direction, b) => (batchFirst ? b * directions + direction : direction * batch + b),
  };
}

/** Columns of the transposed matrices of a constant [directions, columns, depth] operand, packed for `f32_gemm_packed`. */
interface PackedColumns {
  readonly operand: number;
  readonly columns: number;
  /** First column of the matrix that is packed, and how many the stored matrix has. */
  readonly firstColumn?: number;
  readonly storedColumns?: number;
  readonly depth: number;
  readonly directions: number;
}

/** Answers the address of the packed matrix of a direction. */
function packColumns(
  op: { readonly type: string; readonly name: string },
  context: PrepareContext,
  { operand, columns, firstColumn = 0, storedColumns = columns, depth, directions }: PackedColumns,
): (direction: number) => number {
  if (context.constant(operand) === undefined) refuse(op, `a computed operand ${operand}`, 'a weight');
  const { kernels } = context;
  const matrixBytes = kernels.f32_gemm_packed_bytes(columns, depth);
  const packed = context.pack(operand, {
    layout: `f32_gemm transposed ${columns} ${firstColumn} ${depth} ${directions}`,
    byteLength: matrixBytes * directions,
    fill(raw, target) {
      for (let d = 0; d < directions; d++) {
        const from = raw + 4 * (d * storedColumns + firstColumn) * depth;
        kernels.f32_gemm_pack(from, target + d * matrixBytes, columns, depth, 1, depth);
      }
    },
  });
  return (direction) => packed.ptr + direction * matrixBytes;
}

/** Some columns of Rᵀ [hidden, columns], packed. */
export function recurrentWeights(
  op: { readonly type: string; readonly name: string },
  context: PrepareContext,
  { hidden, directions }: RecurrentLayout,
  columns: Pick<PackedColumns, 'columns' | 'firstColumn' | 'storedColumns'>,
): (direction: number) => number {
  return packColumns(op, context, { ...columns, operand: 2, depth: hidden, directions });
}

/** rows × columns products with the transposed matrices of a constant [directions, columns, depth] operand. */
export interface Projection {
  /** target[rows, columns] = source[rows, depth] · Wᵀ of one direction, plus its bias. */
  run(direction: number, source: number, target: number): void;
}

export interface ProjectionRequest {
  readonly operand: number;
  readonly columns: number;
  readonly depth: number;
  readonly directions: number;
  readonly rows: number;
  /** One number per column and direction. */
  readonly bias: Slot;
}

export function prepareProjection(
  op: { readonly type: string; readonly name: string },
  context: PrepareContext,
  request: ProjectionRequest,
): Projection {
  const { columns, depth, rows, bias } = request;
  const { kernels } = context;
  const packed = packColumns(op, context, request);
  const scratch = context.scratch(kernels.f32_gemm_scratch_bytes(rows, columns, depth));
  return {
    run(direction, source, target) {
      // biome-ignore format: one argument per line hides the groups
      kernels.f32_gemm_packed(
        source, packed(direction), bias.ptr + 4 * direction * columns, target, scratch.ptr, rows, columns, depth,
        depth, 1, columns, BiasMode.perColumn, -Infinity, Infinity,
      );
    },
  };
}

/** Copies rows of `hidden` floats between addresses of the session's memory. */
export class RowCopier {
  readonly #memory: WebAssembly.Memory;
  #floats: Float32Array;

  constructor(memory: WebAssembly.Memory) {
    this.#memory = memory;
    this.#floats = new Float32Array(memory.buffer);
  }

  copy(source: number, target: number, length: number): void {
    this.#refresh().copyWithin(target / 4, source / 4, source / 4 + length);
  }

  zero(target: number, length: number): void {
    this.#refresh().fill(0, target / 4, target / 4 + length);
  }

  #refresh(): Float32Array {
    if (this.#floats.buffer !== this.#memory.buffer) this.#floats = new Float32Array(this.#memory.buffer);
    return this.#floats;
  }
}

/** A state that starts from an operand, or from zero, and is written to an optional result at the end. */
export interface State {
  readonly slot: Slot;
  load(direction: number): void;
  store(direction: number): void;
}

export function prepareState(
  context: PrepareContext,
  layout: RecurrentLayout,
  initial: TensorSlot | null,
  final: TensorSlot | null,
): State {
  const { batch, hidden } = layout;
  const slot = context.scratch(4 * batch * hidden);
  const rows = new RowCopier(context.memory);
  const place = (tensor: TensorSlot, direction: number, b: number): number =>
    tensor.ptr + 4 * hidden * layout.stateRow(direction, b);
  return {
    slot,
    load(direction) {
      if (initial === null) rows.zero(slot.ptr, batch * hidden);
      else for (let b = 0; b < batch; b++) rows.copy(place(initial, direction, b), slot.ptr + 4 * hidden * b, hidden);
    },
    store(direction) {
      if (final === null) return;
      for (let b = 0; b < batch; b++) rows.copy(slot.ptr + 4 * hidden * b, place(final, direction, b), hidden);
    },
  };
}
