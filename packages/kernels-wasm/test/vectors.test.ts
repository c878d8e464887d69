import { describe, expect, it } from 'vitest';
import { guarded, noise, TAIL_LENGTHS, ulpDistance, useKernels } from './tester.ts';
import { VARIANTS, type Variant } from './variants.ts';

/** The named cases that every kernel over flat vectors goes through. */
describe.each(VARIANTS.map((v) => [v.name, v] as const))('%s', (_name, variant) => {
  const { fresh } = useKernels();

  function check(n: number, shiftBytes: number, inPlace: boolean, seed: number): void {
    const label = `${variant.name} n=${n} shift=${shiftBytes}${inPlace ? ' in place' : ''}`;
    const make = variant.data ?? noise;
    const inputs = Array.from({ length: variant.arity }, (_, i) => make(n, seed + i));
    const expected = variant.twin(inputs);
    const k = fresh();
    const rooms = inputs.map((data) => {
      const room = guarded(k, n, shiftBytes);
      k.arena.f32(room.ptr, n).set(data);
      return room;
    });
    const isolated = guarded(k, variant.outBytes(n) / 4, variant.outBytes(n) % 8 === 0 ? 8 : shiftBytes);
    const out = inPlace ? rooms[0]! : isolated;
    variant.run(
      k.exports,
      rooms.map((r) => r.ptr),
      out.ptr,
      n,
    );
    for (const room of [...rooms, isolated]) room.check(label);
    compare(variant, variant.read(k.arena, out.ptr, n), expected, label);
  }

  it('length_tail', () => {
    for (const n of TAIL_LENGTHS) check(n, 0, false, n);
  });
  it('unaligned', () => {
    for (const n of [1, 6, 129]) check(n, 4, false, 7);
  });
  it('chunks', () => {
    check(2051, 0, false, 3);
  });
  if (variant.inPlace) {
    it('in_place', () => {
      for (const n of [3, 8, 31, 129]) check(n, 0, true, 11);
    });
  }
});

function compare(v: Variant, actual: ArrayLike<number>, expected: ArrayLike<number>, label: string): void {
  expect(actual.length, label).toBe(expected.length);
  for (let i = 0; i < expected.length; i++) {
    const a = actual[i]!;
    const e = expected[i]!;
    const same = a === e || (Number.isNaN(a) && Number.isNaN(e));
    if (!same && !(v.ulp > 0 && ulpDistance(a, e) <= v.ulp)) {
      expect.fail(`${label}: element ${i} is ${a}, the twin says ${e} (budget ${v.ulp} ulp)`);
    }
  }
}
