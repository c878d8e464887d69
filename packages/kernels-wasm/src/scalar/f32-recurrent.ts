import { sigmoid, tanh } from './vmath.ts';

const f = Math.fround;

/** State of one sample; the cell is LSTM's. */
export interface RecurrentState {
  readonly h: Float32Array;
  readonly c: Float32Array;
}

/** bias + h·Rᵀ of one row of R [rows, hidden]: from the bias, k ascending, product and sum each rounded. */
function fromState(r: Float32Array, row: number, h: Float32Array, bias: number): number {
  let sum = bias;
  for (let k = 0; k < h.length; k++) sum = f(sum + f(h[k]! * r[row * h.length + k]!));
  return sum;
}

/** One step of LSTM for one sample, gates i o f c: `projected` [4*hidden] holds the inputs' part and all biases. */
export function lstmStep(projected: Float32Array, r: Float32Array, { h, c }: RecurrentState): RecurrentState {
  const n = h.length;
  const gates = projected.map((value, row) => f(fromState(r, row, h, 0) + value));
  const cell = c.map((value, k) =>
    f(f(sigmoid(gates[2 * n + k]!) * value) + f(sigmoid(gates[k]!) * tanh(gates[3 * n + k]!))),
  );
  return { h: cell.map((value, k) => f(sigmoid(gates[n + k]!) * tanh(value))), c: cell };
}

export interface GruWeights {
  /** [3*hidden, hidden]. */
  readonly r: Float32Array;
  /** Recurrent biases, [3*hidden]. */
  readonly bias: Float32Array;
  readonly linearBeforeReset: boolean;
}

/** One step of GRU for one sample, gates z r h: `projected` [3*hidden] holds the inputs' part and its biases. */
export function gruStep(
  projected: Float32Array,
  { r, bias, linearBeforeReset }: GruWeights,
  h: Float32Array,
): Float32Array {
  const n = h.length;
  const gate = (row: number): number => sigmoid(f(fromState(r, row, h, bias[row]!) + projected[row]!));
  const reset = h.map((_, k) => gate(n + k));
  const left = linearBeforeReset ? h : h.map((value, k) => f(reset[k]! * value));
  return h.map((value, k) => {
    const product = fromState(r, 2 * n + k, left, bias[2 * n + k]!);
    const candidate = tanh(f((linearBeforeReset ? f(reset[k]! * product) : product) + projected[2 * n + k]!));
    return f(candidate + f(gate(k) * f(value - candidate)));
  });
}
