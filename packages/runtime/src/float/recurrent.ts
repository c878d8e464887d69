import type { OpOf } from '@q/ir';
import { BinaryOp, type BinaryOpName, UnaryOp } from '@q/kernels-wasm';
import type { Implementations, OpImplementation, PrepareContext } from '../implementation.ts';
import type { Slot } from '../slot.ts';
import { prepareRecurrent } from './recurrent-definition.ts';
import {
  prepareProjection,
  prepareState,
  type RecurrentLayout,
  RowCopier,
  recurrentLayout,
  type State,
} from './recurrent-layout.ts';
import { refuse } from './refuse.ts';

/** Computes the next hidden state of one direction from the projected inputs, for every sample of the batch. */
interface Cell {
  readonly gates: number;
  readonly hiddenState: State;
  readonly states: readonly State[];
  step(direction: number, projectedRow: (b: number) => number): void;
}

/** Whether weights are constant and the node has the usual form: what the packed kernels do. */
function fitsKernels(op: OpOf<'top.LSTM'> | OpOf<'top.GRU'>, context: PrepareContext): boolean {
  const { reverse, activations, clip } = op.attributes;
  const inputForget = op.type === 'top.LSTM' && op.attributes.inputForget === true;
  const isConstant = (index: number): boolean => op.inputs[index] == null || context.constant(index) !== undefined;
  const further = op.type === 'top.LSTM' ? [7, 8] : [5];
  return (
    reverse !== true &&
    activations === undefined &&
    clip === undefined &&
    !inputForget &&
    [1, 2, 3].every(isConstant) &&
    further.every((index) => op.inputs[index] == null)
  );
}

/** ONNX LSTM, gate order i o f c: C = f·C + i·tanh(c), H = o·tanh(C). */
const lstm: OpImplementation<'top.LSTM'> = {
  prepare(op, context) {
    if (op.inputs[6] != null) refuse(op, 'a continuation operand', 'none');
    if (!fitsKernels(op, context)) return prepareRecurrent(op, context);
    const layout = recurrentLayout(context.input(0), op.attributes);
    return prepareSequence(op, context, layout, lstmCell(op, context, layout));
  },
};

function lstmCell(op: OpOf<'top.LSTM'>, context: PrepareContext, layout: RecurrentLayout): Cell {
  const { kernels } = context;
  const { batch, hidden: h, directions } = layout;
  const hiddenState = prepareState(context, layout, context.optionalInput(4), context.optionalOutput(1));
  const cellState = prepareState(context, layout, context.optionalInput(5), context.optionalOutput(2));
  const recurrence = prepareProjection(op, context, {
    operand: 2,
    columns: 4 * h,
    depth: h,
    directions,
    rows: batch,
  });
  const gates = context.scratch(4 * batch * 4 * h);
  const [part, squashed] = [context.scratch(4 * h), context.scratch(4 * h)];
  const combine = combiner(context, h);
  return {
    gates: 4,
    hiddenState,
    states: [hiddenState, cellState],
    step(direction, projectedRow) {
      recurrence.run(direction, hiddenState.slot.ptr, gates.ptr);
      for (let b = 0; b < batch; b++) {
        const [i, C, H] = [gates.ptr + 16 * h * b, cellState.slot.ptr + 4 * h * b, hiddenState.slot.ptr + 4 * h * b];
        const [o, f, c] = [i + 4 * h, i + 8 * h, i + 12 * h];
        for (let gate = 0; gate < 4; gate++)
          combine('add', i + 4 * h * gate, projectedRow(b) + 4 * h * gate, i + 4 * h * gate);
        kernels.f32_unary(UnaryOp.sigmoid, i, i, 3 * h, 0, 0);
        kernels.f32_unary(UnaryOp.tanh, c, c, h, 0, 0);
        combine('mul', f, C, C);
        combine('mul', i, c, part.ptr);
        combine('add', C, part.ptr, C);
        kernels.f32_unary(UnaryOp.tanh, C, squashed.ptr, h, 0, 0);
        combine('mul', o, squashed.ptr, H);
      }
    },
  };
}

/** ONNX GRU, gate order z r h: H = (1 − z)·h + z·H. */
const gru: OpImplementation<'top.GRU'> = {
  prepare(op, context) {
    if (!fitsKernels(op, context)) return prepareRecurrent(op, context);
    const layout = recurrentLayout(context.input(0), op.attributes);
    return prepareSequence(op, context, layout, gruCell(op, context, layout));
  },
};

function gruCell(op: OpOf<'top.GRU'>, context: PrepareContext, layout: RecurrentLayout): Cell {
  const { kernels } = context;
  const { batch, hidden: h, directions } = layout;
  const hiddenState = prepareState(context, layout, context.optionalInput(4), context.optionalOutput(1));
  const bias = recurrentBias(context, layout, 3);
  const common = { operand: 2, storedColumns: 3 * h, depth: h, directions, rows: batch, bias };
  const update = prepareProjection(op, context, { ...common, columns: 2 * h });
  const candidate = prepareProjection(op, context, { ...common, columns: h, firstColumn: 2 * h });
  const [zr, n] = [context.scratch(4 * batch * 2 * h), context.scratch(4 * batch * h)];
  const reset = context.scratch(4 * batch * h);
  const combine = combiner(context, h);
  const { linearBeforeReset } = op.attributes;
  return {
    gates: 3,
    hiddenState,
    states: [hiddenState],
    step(direction, projectedRow) {
      const hiddenPtr = hiddenState.slot.ptr;
      update.run(direction, hiddenPtr, zr.ptr);
      for (let b = 0; b < batch; b++) {
        const z = zr.ptr + 8 * h * b;
        for (let gate = 0; gate < 2; gate++)
          combine('add', z + 4 * h * gate, projectedRow(b) + 4 * h * gate, z + 4 * h * gate);
        kernels.f32_unary(UnaryOp.sigmoid, z, z, 2 * h, 0, 0);
        if (!linearBeforeReset) combine('mul', z + 4 * h, hiddenPtr + 4 * h * b, reset.ptr + 4 * h * b);
      }
      candidate.run(direction, linearBeforeReset ? hiddenPtr : reset.ptr, n.ptr);
      for (let b = 0; b < batch; b++) {
        const [z, candidatePtr, H] = [zr.ptr + 8 * h * b, n.ptr + 4 * h * b, hiddenPtr + 4 * h * b];
        if (linearBeforeReset) combine('mul', z + 4 * h, candidatePtr, candidatePtr);
        combine('add', candidatePtr, projectedRow(b) + 8 * h, candidatePtr);
        kernels.f32_unary(UnaryOp.tanh, candidatePtr, candidatePtr, h, 0, 0);
        combine('sub', H, candidatePtr, H);
        combine('mul', z, H, H);
        combine('add', candidatePtr, H, H);
      }
    },
  };
}

/**
 * Projects all inputs at once, then walks the steps; the second direction walks them backwards. LSTM adds both biases to the
 * projection, GRU only the input's (its recurrent one is inside the reset gate's product).
 */
function prepareSequence(
  op: OpOf<'top.LSTM'> | OpOf<'top.GRU'>,
  context: PrepareContext,
  layout: RecurrentLayout,
  cell: Cell,
): () => void {
  const { steps, batch, directions, hidden, inputs } = layout;
  const [x, y] = [context.input(0), context.optionalOutput(0)];
  const columns = cell.gates * hidden;
  const rows = steps * batch;
  const projection = prepareProjection(op, context, {
    operand: 1,
    columns,
    depth: inputs,
    directions,
    rows,
    bias: inputBias(context, layout, cell.gates),
  });
  const projected = context.scratch(4 * rows * columns);
  const copier = new RowCopier(context.memory);
  return () => {
    for (let d = 0; d < directions; d++) {
      projection.run(d, x.ptr, projected.ptr);
      for (const state of cell.states) state.load(d);
      for (let step = 0; step < steps; step++) {
        const t = d === 0 ? step : steps - 1 - step;
        cell.step(d, (b) => projected.ptr + 4 * columns * layout.inputRow(t, b));
        for (let b = 0; y !== null && b < batch; b++) {
          const source = cell.hiddenState.slot.ptr + 4 * hidden * b;
          copier.copy(source, y.ptr + 4 * hidden * layout.outputRow(t, d, b), hidden);
        }
      }
      for (const state of cell.states) state.store(d);
    }
  };
}

/** B is [directions, 2 · gates · hidden]: biases of the input, then of the recurrence. */
function inputBias(context: PrepareContext, { directions, hidden }: RecurrentLayout, gates: number): Slot {
  const columns = gates * hidden;
  const given = context.constant(3)?.data;
  const addRecurrent = gates === 4;
  const at = (index: number): number => {
    const base = Math.floor(index / columns) * 2 * columns + (index % columns);
    return given === undefined ? 0 : given[base]! + (addRecurrent ? given[base + columns]! : 0);
  };
  return context.place(Float32Array.from({ length: directions * columns }, (_, index) => at(index)));
}

function recurrentBias(context: PrepareContext, { directions, hidden }: RecurrentLayout, gates: number): Slot {
  const columns = gates * hidden;
  const given = context.constant(3)?.data;
  const at = (index: number): number =>
    given?.[Math.floor(index / columns) * 2 * columns + columns + (index % columns)] ?? 0;
  return context.place(Float32Array.from({ length: directions * columns }, (_, index) => at(index)));
}

/** `combine(op, a, b, y)` over one row of the hidden size. */
function combiner({ kernels }: PrepareContext, length: number) {
  return (operation: BinaryOpName, a: number, b: number, y: number): void =>
    kernels.f32_binary(BinaryOp[operation], a, 1, b, 1, y, length, 1, 1, -Infinity, Infinity);
}

export const recurrentImplementations: Implementations = {
  'top.LSTM': lstm,
  'top.GRU': gru,
  'top.RNN': { prepare: prepareRecurrent } satisfies OpImplementation<'top.RNN'>,
};
