import type { OpOf } from '@q/ir';
import type { Implementations, OpImplementation, PrepareContext } from '../implementation.ts';
import type { Slot } from '../slot.ts';
import { prepareRecurrent } from './recurrent-definition.ts';
import {
  prepareProjection,
  prepareState,
  type RecurrentLayout,
  recurrentLayout,
  recurrentWeights,
  type State,
} from './recurrent-layout.ts';
import { refuse } from './refuse.ts';

/** One direction of a sequence: distances in elements between the steps and the samples of the projected inputs and of y. */
interface Walk {
  readonly direction: number;
  readonly step: number;
  readonly sample: number;
  readonly yStep: number;
  readonly ySample: number;
}

/** Advances the states by all steps of one direction. */
interface Cell {
  readonly gates: number;
  readonly states: readonly State[];
  /** Addresses of the projected inputs of the first step, and of the state after it, or 0. */
  run(walk: Walk, projected: number, y: number): void;
}

/** Whether weights are constant and the node has the usual form: what the kernels do. */
function fitsKernels(op: OpOf<'top.LSTM'> | OpOf<'top.GRU'>, context: PrepareContext): boolean {
  const { activations, clip } = op.attributes;
  const inputForget = op.type === 'top.LSTM' && op.attributes.inputForget === true;
  const isConstant = (index: number): boolean => op.inputs[index] == null || context.constant(index) !== undefined;
  const further = op.type === 'top.LSTM' ? [7, 8] : [5];
  return (
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
  const { steps, batch, hidden } = layout;
  const h = prepareState(context, layout, context.optionalInput(4), context.optionalOutput(1));
  const c = prepareState(context, layout, context.optionalInput(5), context.optionalOutput(2));
  const weights = recurrentWeights(op, context, layout, { columns: 4 * hidden });
  const scratch = context.scratch(kernels.f32_lstm_scratch_bytes(batch, hidden));
  return {
    gates: 4,
    states: [h, c],
    run: ({ direction, step, sample, yStep, ySample }, projected, y) =>
      // biome-ignore format: one argument per line hides the groups
      kernels.f32_lstm(
        projected, weights(direction), h.slot.ptr, c.slot.ptr, y, scratch.ptr, steps, batch, hidden,
        step, sample, yStep, ySample,
      ),
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
  const { steps, batch, hidden } = layout;
  const h = prepareState(context, layout, context.optionalInput(4), context.optionalOutput(1));
  const bias = recurrentBias(context, layout, 3);
  const all = { storedColumns: 3 * hidden };
  const gates = recurrentWeights(op, context, layout, { ...all, columns: 2 * hidden });
  const candidate = recurrentWeights(op, context, layout, { ...all, columns: hidden, firstColumn: 2 * hidden });
  const scratch = context.scratch(kernels.f32_gru_scratch_bytes(batch, hidden));
  const linear = op.attributes.linearBeforeReset ? 1 : 0;
  return {
    gates: 3,
    states: [h],
    run: ({ direction, step, sample, yStep, ySample }, projected, y) =>
      // biome-ignore format: one argument per line hides the groups
      kernels.f32_gru(
        projected, gates(direction), candidate(direction), bias.ptr + 12 * hidden * direction, h.slot.ptr, y,
        scratch.ptr, steps, batch, hidden, step, sample, yStep, ySample, linear,
      ),
  };
}

/**
 * Projects all inputs at once, then walks the steps of each direction in one call; the second direction walks them backwards.
 * LSTM adds both biases to the projection, GRU only the input's (its recurrent one is inside the reset gate's product).
 */
function prepareSequence(
  op: OpOf<'top.LSTM'> | OpOf<'top.GRU'>,
  context: PrepareContext,
  layout: RecurrentLayout,
  cell: Cell,
): () => void {
  const { steps, batch, directions, hidden, inputs, inputRow, outputRow } = layout;
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
  const walks = Array.from({ length: directions }, (_, direction) => {
    const isReverse = direction === 1 || op.attributes.reverse === true;
    const [first, sign] = isReverse ? [steps - 1, -1] : [0, 1];
    return {
      direction,
      step: sign * columns * (inputRow(1, 0) - inputRow(0, 0)),
      sample: columns * (inputRow(0, 1) - inputRow(0, 0)),
      yStep: sign * hidden * (outputRow(1, direction, 0) - outputRow(0, direction, 0)),
      ySample: hidden * (outputRow(0, direction, 1) - outputRow(0, direction, 0)),
      from: 4 * columns * inputRow(first, 0),
      to: 4 * hidden * outputRow(first, direction, 0),
    };
  });
  return () => {
    for (const walk of walks) {
      projection.run(walk.direction, x.ptr, projected.ptr);
      for (const state of cell.states) state.load(walk.direction);
      cell.run(walk, projected.ptr + walk.from, y === null ? 0 : y.ptr + walk.to);
      for (const state of cell.states) state.store(walk.direction);
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

export const recurrentImplementations: Implementations = {
  'top.LSTM': lstm,
  'top.GRU': gru,
  'top.RNN': { prepare: prepareRecurrent } satisfies OpImplementation<'top.RNN'>,
};
