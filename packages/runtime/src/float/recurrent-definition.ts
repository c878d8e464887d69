import type { OpOf } from '@q/ir';
import type { PrepareContext, RunOp } from '../implementation.ts';
import { exp, ln1p, sigmoid, tanh } from './elementary.ts';
import { type RecurrentLayout, recurrentLayout } from './recurrent-layout.ts';
import { refuse } from './refuse.ts';

type RecurrentOp = OpOf<'top.LSTM'> | OpOf<'top.GRU'> | OpOf<'top.RNN'>;
type Activation = (x: number) => number;

/** Functions that ONNX names for recurrent operators; alpha and beta where they have parameters. */
function activationOf(op: RecurrentOp, name: string, alpha: number | undefined, beta: number | undefined): Activation {
  const table: Readonly<Record<string, Activation>> = {
    sigmoid,
    tanh,
    relu: (x) => Math.max(0, x),
    affine: (x) => (alpha ?? 1) * x + (beta ?? 0),
    leakyrelu: (x) => (x < 0 ? (alpha ?? 0.01) * x : x),
    thresholdedrelu: (x) => (x > (alpha ?? 1) ? x : 0),
    scaledtanh: (x) => (alpha ?? 1) * tanh((beta ?? 1) * x),
    hardsigmoid: (x) => Math.min(Math.max((alpha ?? 0.2) * x + (beta ?? 0.5), 0), 1),
    elu: (x) => (x < 0 ? (alpha ?? 1) * (exp(x) - 1) : x),
    softsign: (x) => x / (1 + Math.abs(x)),
    softplus: (x) => Math.max(x, 0) + ln1p(exp(-Math.abs(x))),
  };
  return table[name.toLowerCase()] ?? refuse(op, `the activation ${name}`, Object.keys(table).join(', '));
}

const USUAL: Readonly<Record<RecurrentOp['type'], readonly string[]>> = {
  'top.LSTM': ['Sigmoid', 'Tanh', 'Tanh'],
  'top.GRU': ['Sigmoid', 'Tanh'],
  'top.RNN': ['Tanh'],
};
const GATES: Readonly<Record<RecurrentOp['type'], number>> = { 'top.LSTM': 4, 'top.GRU': 3, 'top.RNN': 1 };
const HAS_PARAMETERS = new Set(['affine', 'leakyrelu', 'thresholdedrelu', 'scaledtanh', 'hardsigmoid', 'elu']);

/** The functions of one direction, parameters dealt out in order to those that take some. */
function activationsOf(op: RecurrentOp, directions: number): Activation[][] {
  const usual = USUAL[op.type];
  const { activations, activationAlpha = [], activationBeta = [] } = op.attributes;
  const names = activations ?? Array.from({ length: directions }, () => usual).flat();
  let used = 0;
  const all = names.map((name) => {
    const at = HAS_PARAMETERS.has(name.toLowerCase()) ? used++ : -1;
    return activationOf(op, name, activationAlpha[at], activationBeta[at]);
  });
  return Array.from({ length: directions }, (_, d) => {
    const own = all.slice(d * usual.length, (d + 1) * usual.length);
    return own.length === usual.length ? own : all.slice(0, usual.length);
  });
}

/** Data of one run. */
interface Data {
  readonly x: Float32Array;
  readonly w: Float32Array;
  readonly r: Float32Array;
  readonly b: Float32Array | undefined;
  readonly peepholes: Float32Array | undefined;
}

/** Advances the state (h, then c for LSTM) of one sample by one step. */
type Cell = (data: Data, direction: number, inputRow: number, h: Float64Array, c: Float64Array) => void;

/**
 * RNN, GRU and LSTM as ONNX defines them (opset 7 to 22): reverse direction, sequences of different lengths, peepholes,
 * other activations, clipping, weights that the graph computes. Plain TypeScript in float64, rounded per step.
 */
export function prepareRecurrent(op: RecurrentOp, context: PrepareContext): RunOp {
  const layout = recurrentLayout(context.input(0), op.attributes);
  const { steps, batch, directions, hidden } = layout;
  const isLstm = op.type === 'top.LSTM';
  const operand = (index: number) => (index < op.inputs.length ? context.optionalInput(index) : null);
  const [x, w, r] = [context.input(0), context.input(1), context.input(2)];
  const [bias, initialH, initialC] = [operand(3), operand(4), isLstm ? operand(5) : null];
  const lengths = operand(isLstm ? 7 : 5);
  const peepholes = isLstm ? operand(8) : null;
  const outputs = [0, 1, 2].map((index) => (index < op.outputs.length ? context.optionalOutput(index) : null));
  const cell = cellOf(op, layout, activationsOf(op, directions));
  return () => {
    const data: Data = { x: x.f32(), w: w.f32(), r: r.f32(), b: bias?.f32(), peepholes: peepholes?.f32() };
    const [y, lastH, lastC] = outputs.map((slot) => slot?.f32());
    y?.fill(0);
    for (let d = 0; d < directions; d++) {
      const isReverse = d === 1 || op.attributes.reverse === true;
      for (let s = 0; s < batch; s++) {
        const length = lengths === null ? steps : lengths.view()[s]!;
        const row = layout.stateRow(d, s) * hidden;
        const start = (given: Float32Array | undefined) =>
          Float64Array.from({ length: hidden }, (_, k) => given?.[row + k] ?? 0);
        const [h, c] = [start(initialH?.f32()), start(initialC?.f32())];
        for (let step = 0; step < length; step++) {
          const t = isReverse ? length - 1 - step : step;
          cell(data, d, layout.inputRow(t, s) * layout.inputs, h, c);
          y?.set(h, layout.outputRow(t, d, s) * hidden);
        }
        lastH?.set(h, row);
        lastC?.set(c, row);
      }
    }
  };
}

function cellOf(op: RecurrentOp, layout: RecurrentLayout, activations: readonly Activation[][]): Cell {
  const { hidden, inputs } = layout;
  const gates = GATES[op.type];
  const limit = op.attributes.clip ?? Number.POSITIVE_INFINITY;
  const clip = (value: number) => Math.min(Math.max(value, -limit), limit);
  const rows = gates * hidden;
  /** x · Wᵀ + b of one gate row. */
  const fromInput = ({ x, w, b }: Data, d: number, at: number, row: number): number => {
    let sum = b?.[2 * d * rows + row] ?? 0;
    for (let k = 0; k < inputs; k++) sum += x[at + k]! * w[(d * rows + row) * inputs + k]!;
    return sum;
  };
  const recurrentBias = ({ b }: Data, d: number, row: number): number => b?.[(2 * d + 1) * rows + row] ?? 0;
  /** h · Rᵀ of one gate row. */
  const fromState = ({ r }: Data, d: number, h: ArrayLike<number>, row: number): number => {
    let sum = 0;
    for (let k = 0; k < hidden; k++) sum += h[k]! * r[(d * rows + row) * hidden + k]!;
    return sum;
  };
  const gate = (data: Data, d: number, at: number, h: ArrayLike<number>, row: number): number =>
    fromInput(data, d, at, row) + fromState(data, d, h, row) + recurrentBias(data, d, row);
  const parts = { hidden, clip, activations, gate, fromInput, fromState, recurrentBias };
  if (op.type === 'top.LSTM') return lstmCell(parts, op.attributes.inputForget === true);
  if (op.type === 'top.GRU') return gruCell(parts, op.attributes.linearBeforeReset);
  return (data, d, at, h) => {
    const [f] = activations[d]!;
    h.set(Float64Array.from(h, (_, k) => Math.fround(f!(clip(gate(data, d, at, h, k))))));
  };
}

interface CellParts {
  readonly hidden: number;
  readonly clip: (value: number) => number;
  readonly activations: readonly Activation[][];
  gate(data: Data, d: number, at: number, h: ArrayLike<number>, row: number): number;
  fromInput(data: Data, d: number, at: number, row: number): number;
  fromState(data: Data, d: number, h: ArrayLike<number>, row: number): number;
  recurrentBias(data: Data, d: number, row: number): number;
}

/** Gate order i o f c; peepholes in the order i o f, the output gate sees the new cell state. */
function lstmCell({ hidden, clip, activations, gate }: CellParts, inputForget: boolean): Cell {
  return (data, d, at, h, c) => {
    const [f, g, out] = activations[d]! as [Activation, Activation, Activation];
    const peep = (index: number, k: number): number => data.peepholes?.[(3 * d + index) * hidden + k] ?? 0;
    const before = h.slice();
    for (let k = 0; k < hidden; k++) {
      const value = (index: number) => gate(data, d, at, before, index * hidden + k);
      const old = c[k]!;
      const input = f(clip(value(0) + peep(0, k) * old));
      const forget = inputForget ? 1 - input : f(clip(value(2) + peep(2, k) * old));
      const next = Math.fround(forget * old + input * g(clip(value(3))));
      c[k] = next;
      h[k] = Math.fround(f(clip(value(1) + peep(1, k) * next)) * out(next));
    }
  };
}

/** Gate order z r h. */
function gruCell(parts: CellParts, linearBeforeReset: boolean): Cell {
  const { hidden, clip, activations, gate, fromInput, fromState, recurrentBias } = parts;
  return (data, d, at, h) => {
    const [f, g] = activations[d]! as [Activation, Activation];
    const before = h.slice();
    const at3 = (index: number, k: number) => index * hidden + k;
    const reset = Float64Array.from(before, (_, k) => f(clip(gate(data, d, at, before, at3(1, k)))));
    const dimmed = before.map((value, k) => value * reset[k]!);
    for (let k = 0; k < hidden; k++) {
      const z = f(clip(gate(data, d, at, before, at3(0, k))));
      const row = at3(2, k);
      const recurrent = linearBeforeReset
        ? reset[k]! * (fromState(data, d, before, row) + recurrentBias(data, d, row))
        : fromState(data, d, dimmed, row) + recurrentBias(data, d, row);
      const candidate = g(clip(fromInput(data, d, at, row) + recurrent));
      h[k] = Math.fround((1 - z) * candidate + z * before[k]!);
    }
  };
}
