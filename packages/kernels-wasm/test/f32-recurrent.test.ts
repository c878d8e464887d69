import { describe, expect, it } from 'vitest';
import type { Kernels } from '../src/index.ts';
import { gruStep, lstmStep } from '../src/scalar/f32-recurrent.ts';
import { expectUlp, guarded, noise, useKernels } from './tester.ts';

const SAME_BITS = 0;
const [steps, batch] = [3, 2];
const HIDDEN = [1, 3, 4, 7, 16, 33];

function packed(k: Kernels, r: Float32Array, hidden: number): number {
  const columns = r.length / hidden;
  const to = k.arena.alloc(k.exports.f32_gemm_packed_bytes(columns, hidden));
  k.exports.f32_gemm_pack(k.arena.place(r), to, columns, hidden, 1, hidden);
  return to;
}

const rowOf = (data: Float32Array, index: number, width: number): Float32Array =>
  data.slice(index * width, (index + 1) * width);

/** Row of step `step` and sample `b` when samples come first, and steps are walked backwards. */
const backwards = (step: number, b: number): number => b * steps + steps - 1 - step;

describe('f32_lstm', () => {
  const { fresh } = useKernels();

  it.each(HIDDEN)('follows the steps of its definition, %i units, both directions', (hidden) => {
    const r = noise(4 * hidden * hidden, 1);
    const projected = noise(steps * batch * 4 * hidden, 2, 3);
    for (const isReverse of [false, true]) {
      const at = isReverse ? backwards : (step: number, b: number) => step * batch + b;
      const k = fresh();
      const [h, c] = [noise(batch * hidden, 3), noise(batch * hidden, 4)];
      const [ph, pc] = [k.arena.place(h), k.arena.place(c)];
      const x = k.arena.place(projected);
      const y = guarded(k, steps * batch * hidden);
      const scratch = k.arena.alloc(k.exports.f32_lstm_scratch_bytes(batch, hidden));
      const [step, sample] = [at(1, 0) - at(0, 0), at(0, 1) - at(0, 0)];
      const first = at(0, 0);
      // biome-ignore format: one argument per line hides the groups
      k.exports.f32_lstm(
        x + 16 * hidden * first, packed(k, r, hidden), ph, pc, y.ptr + 4 * hidden * first, scratch, steps, batch, hidden,
        4 * hidden * step, 4 * hidden * sample, hidden * step, hidden * sample,
      );
      const expected = new Float32Array(steps * batch * hidden);
      for (let b = 0; b < batch; b++) {
        let state = { h: rowOf(h, b, hidden), c: rowOf(c, b, hidden) };
        for (let s = 0; s < steps; s++) {
          state = lstmStep(rowOf(projected, at(s, b), 4 * hidden), r, state);
          expected.set(state.h, at(s, b) * hidden);
        }
        expectUlp(k.arena.f32(ph + 4 * hidden * b, hidden), state.h, SAME_BITS, 'last state');
        expectUlp(k.arena.f32(pc + 4 * hidden * b, hidden), state.c, SAME_BITS, 'last cell');
      }
      expectUlp(k.arena.f32(y.ptr, expected.length), expected, SAME_BITS, 'states');
      y.check('states');
    }
  });

  it('leaves the states of the steps out when nobody asks for them', () => {
    const k = fresh();
    const [hidden, r] = [5, noise(4 * 25, 1)];
    const run = (y: number): number[] => {
      const [h, c] = [k.arena.place(noise(hidden, 2)), k.arena.place(noise(hidden, 3))];
      const scratch = k.arena.alloc(k.exports.f32_lstm_scratch_bytes(1, hidden));
      const x = k.arena.place(noise(4 * 4 * hidden, 4));
      k.exports.f32_lstm(x, packed(k, r, hidden), h, c, y, scratch, 4, 1, hidden, 4 * hidden, 0, hidden, 0);
      return [...k.arena.f32(h, hidden)];
    };
    expect(run(0)).toEqual(run(k.arena.alloc(16 * hidden)));
  });
});

describe('f32_gru', () => {
  const { fresh } = useKernels();

  it.each(HIDDEN)('follows the steps of its definition, %i units, reset before and after the product', (hidden) => {
    const [r, bias] = [noise(3 * hidden * hidden, 1), noise(3 * hidden, 5)];
    const projected = noise(steps * batch * 3 * hidden, 2, 3);
    for (const linearBeforeReset of [false, true]) {
      const k = fresh();
      const h = noise(batch * hidden, 3);
      const ph = k.arena.place(h);
      const y = guarded(k, steps * batch * hidden);
      const scratch = k.arena.alloc(k.exports.f32_gru_scratch_bytes(batch, hidden));
      const gates = packed(k, r.slice(0, 2 * hidden * hidden), hidden);
      const candidates = packed(k, r.slice(2 * hidden * hidden), hidden);
      // biome-ignore format: one argument per line hides the groups
      k.exports.f32_gru(
        k.arena.place(projected), gates, candidates, k.arena.place(bias), ph, y.ptr, scratch, steps, batch, hidden,
        3 * hidden * batch, 3 * hidden, hidden * batch, hidden, linearBeforeReset ? 1 : 0,
      );
      const expected = new Float32Array(steps * batch * hidden);
      for (let b = 0; b < batch; b++) {
        let state = rowOf(h, b, hidden);
        for (let s = 0; s < steps; s++) {
          state = gruStep(rowOf(projected, s * batch + b, 3 * hidden), { r, bias, linearBeforeReset }, state);
          expected.set(state, (s * batch + b) * hidden);
        }
        expectUlp(k.arena.f32(ph + 4 * hidden * b, hidden), state, SAME_BITS, 'last state');
      }
      expectUlp(k.arena.f32(y.ptr, expected.length), expected, SAME_BITS, 'states');
      y.check('states');
    }
  });
});
