import { describe, expect, test } from 'vitest';
import { createSession } from '../../src/index.ts';
import { GraphBuilder, type TensorLike, tensor } from '../graph-builder.ts';
import { expectClose } from '../run-op.ts';

const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x));
const [steps, batch, inputs, hidden] = [3, 2, 4, 5];
const units = Array.from({ length: hidden }, (_, u) => u);

const wave = (phase: number, ...shape: number[]): TensorLike => {
  const count = shape.reduce((a, b) => a * b, 1);
  return tensor(
    shape,
    Array.from({ length: count }, (_, i) => Math.fround(Math.sin(i * 1.7 + phase) / 2)),
  );
};

interface Parameters {
  readonly gates: number;
  readonly directions: number;
  readonly w: TensorLike;
  readonly r: TensorLike;
  readonly b: TensorLike;
}

const parameters = (gates: number, directions: number): Parameters => ({
  gates,
  directions,
  w: wave(0, directions, gates * hidden, inputs),
  r: wave(1, directions, gates * hidden, hidden),
  b: wave(2, directions, 2 * gates * hidden),
});

/** W·x + Wb and R·h + Rb of one gate and unit. */
function preactivation({ w, r, b, gates }: Parameters, d: number, gate: number, u: number) {
  const row = (d * gates + gate) * hidden + u;
  const bias = (half: number): number => Number(b.data[(d * 2 + half) * gates * hidden + gate * hidden + u]);
  return {
    input: (x: number[]): number => x.reduce((sum, v, i) => sum + v * Number(w.data[row * inputs + i]), bias(0)),
    recurrent: (h: number[]): number => h.reduce((sum, v, i) => sum + v * Number(r.data[row * hidden + i]), bias(1)),
  };
}

type Step = (p: Parameters, d: number, x: number[], h: number[], c: number[]) => { h: number[]; c: number[] };

/** The ONNX formulas, gates i o f c. */
const lstmStep: Step = (p, d, x, h, c) => {
  const gate = (g: number, u: number): number =>
    preactivation(p, d, g, u).input(x) + preactivation(p, d, g, u).recurrent(h);
  const cell = units.map((u) => sigmoid(gate(2, u)) * c[u]! + sigmoid(gate(0, u)) * Math.tanh(gate(3, u)));
  return { h: units.map((u) => sigmoid(gate(1, u)) * Math.tanh(cell[u]!)), c: cell };
};

/** The ONNX formulas, gates z r h. */
const gruStep =
  (linearBeforeReset: boolean): Step =>
  (p, d, x, h, c) => {
    const sum = (g: number, u: number): number =>
      preactivation(p, d, g, u).input(x) + preactivation(p, d, g, u).recurrent(h);
    const reset = units.map((u) => sigmoid(sum(1, u)));
    const next = units.map((u) => {
      const { input, recurrent } = preactivation(p, d, 2, u);
      const gated = linearBeforeReset ? reset[u]! * recurrent(h) : recurrent(h.map((v, i) => v * reset[i]!));
      const z = sigmoid(sum(0, u));
      return (1 - z) * Math.tanh(input(x) + gated) + z * h[u]!;
    });
    return { h: next, c };
  };

const row = (t: TensorLike, at: number, width: number): number[] =>
  Array.from(t.data.slice(at * width, (at + 1) * width), Number);

/** Y, Y_h and Y_c as the steps define them, sequence first. */
function unroll(p: Parameters, x: TensorLike, h0: TensorLike, c0: TensorLike, step: Step) {
  const Y = new Array<number>(steps * p.directions * batch * hidden);
  const [Yh, Yc]: [number[], number[]] = [[], []];
  for (let d = 0; d < p.directions; d++) {
    for (let b = 0; b < batch; b++) {
      let state = { h: row(h0, d * batch + b, hidden), c: row(c0, d * batch + b, hidden) };
      for (let k = 0; k < steps; k++) {
        const t = d === 0 ? k : steps - 1 - k;
        state = step(p, d, row(x, t * batch + b, inputs), state.h, state.c);
        state.h.forEach((value, u) => {
          Y[((t * p.directions + d) * batch + b) * hidden + u] = value;
        });
      }
      Yh.push(...state.h);
      Yc.push(...state.c);
    }
  }
  return [Y, Yh, Yc];
}

async function run(
  type: 'top.LSTM' | 'top.GRU',
  p: Parameters,
  attributes: object,
  x: TensorLike,
  states: TensorLike[],
) {
  const builder = new GraphBuilder();
  builder.input('x', x.shape);
  const stateNames = states.map((state, i) => builder.input(`s${i}`, state.shape));
  const weights = (['w', 'r', 'b'] as const).map((name) => builder.weight(name, p[name]));
  const outputs = type === 'top.LSTM' ? ['Y', 'Yh', 'Yc'] : ['Y', 'Yh'];
  const rest =
    type === 'top.LSTM' ? [...stateNames, ...[null, null, null].slice(stateNames.length)] : [stateNames[0] ?? null];
  const all = { hiddenSize: hidden, bidirectional: p.directions === 2, ...attributes };
  builder.add({ type, name: 'Y', inputs: ['x', ...weights, ...rest], outputs, attributes: all });
  const made = await createSession(builder.graph(outputs));
  const feeds = new Map([['x', x.data], ...states.map((state, i) => [`s${i}`, state.data] as const)]);
  return [...made.run(feeds).values()].map((data) => Array.from(data));
}

const x = wave(3, steps, batch, inputs);

describe.each([1, 2])('with %i direction(s)', (directions) => {
  const h0 = wave(4, directions, batch, hidden);
  const c0 = wave(5, directions, batch, hidden);

  test('top.LSTM', async () => {
    const p = parameters(4, directions);
    const expected = unroll(p, x, h0, c0, lstmStep);
    const got = await run('top.LSTM', p, {}, x, [h0, c0]);
    for (const [i, data] of got.entries()) expectClose(data, expected[i]!);
  });

  test.each([true, false])('top.GRU, linear before reset %s', async (linearBeforeReset) => {
    const p = parameters(3, directions);
    const [Y, Yh] = unroll(p, x, h0, c0, gruStep(linearBeforeReset));
    const got = await run('top.GRU', p, { linearBeforeReset }, x, [h0]);
    expectClose(got[0]!, Y!);
    expectClose(got[1]!, Yh!);
  });
});

test('states start at zero when they are not given; batch first swaps the tensors', async () => {
  const p = parameters(4, 1);
  const zero = tensor([1, batch, hidden], new Array(batch * hidden).fill(0));
  const [Y, Yh] = unroll(p, x, zero, zero, lstmStep);
  const turned = Array.from({ length: batch * steps }, (_, i) =>
    row(x, (i % steps) * batch + Math.floor(i / steps), inputs),
  ).flat();
  const got = await run('top.LSTM', p, { batchFirst: true }, tensor([batch, steps, inputs], turned), []);
  const expected = Array.from({ length: batch * steps }, (_, i) =>
    row(tensor([Y!.length], Y!), (i % steps) * batch + Math.floor(i / steps), hidden),
  ).flat();
  expectClose(got[0]!, expected);
  expectClose(got[1]!, Yh!);
  expect(got[2]).toHaveLength(batch * hidden);
});
