import { describe, expect, it } from 'vitest';
import { octav, outside } from '../src/scalar/stats.ts';
import { guarded, noise, TAIL_LENGTHS, useKernels } from './tester.ts';

const { fresh } = useKernels();
const LENGTHS = [0, ...TAIL_LENGTHS];

describe('stats_octav_keep', () => {
  for (const [kind, s] of [
    ['a quarter of the range', 0.25],
    ['zero', 0],
    ['more than there is', 2],
  ] as const) {
    it(`sums, counts and keeps what is above ${kind}`, () => {
      for (const n of LENGTHS) {
        const kernels = fresh();
        const { exports, arena } = kernels;
        const data = noise(n, n + 1).map((v, i) => (i % 5 === 2 ? 0 : v));
        const out = arena.place(new Float64Array(2));
        const room = guarded(kernels, n);
        const expected = octav(data, s);
        expect(exports.stats_octav_keep(arena.place(data), n, s, out, room.ptr)).toBe(expected.count);
        expect([...arena.f64(out, 2)]).toEqual([expected.sum, expected.count]);
        expect([...arena.f32(room.ptr, expected.count)]).toEqual([...data.map(Math.abs).filter((v) => v > s)]);
        room.check(`${n} elements`);
      }
    });
  }

  it('writes over its own input', () => {
    for (const n of LENGTHS) {
      const { exports, arena } = fresh();
      const data = noise(n, n + 7);
      const x = arena.place(data);
      const out = arena.place(new Float64Array(2));
      const count = exports.stats_octav_keep(x, n, 0.125, out, x);
      expect([...arena.f32(x, count)]).toEqual([...data.map(Math.abs).filter((v) => v > 0.125)]);
      expect(arena.f64(out, 2)[0]).toBe(octav(data, 0.125).sum);
    }
  });
});

describe('stats_outside', () => {
  const ranges = [
    { low: -0.9, high: 0.9 },
    { low: -Infinity, high: 0.5 },
    { low: 0, high: Infinity },
    { low: Infinity, high: -Infinity },
    { low: -1, high: 1 },
  ];
  for (const { low, high } of ranges) {
    it(`keeps what is below ${low} or above ${high}, as far as there is room`, () => {
      for (const n of LENGTHS) {
        for (const room of [16, 40, 1100]) {
          const kernels = fresh();
          const { exports, arena } = kernels;
          const data = noise(n, n + 3);
          const seen = arena.place(new Int32Array(1));
          const kept = guarded(kernels, room);
          const expected = outside(data, { low, high }, room);
          const count = exports.stats_outside(arena.place(data), n, low, high, kept.ptr, room, seen);
          expect([...arena.f32(kept.ptr, count)]).toEqual(expected.kept);
          expect([...arena.i32(seen, 1)]).toEqual([expected.seen]);
          kept.check(`${n} elements, room for ${room}`);
        }
      }
    });
  }
});
