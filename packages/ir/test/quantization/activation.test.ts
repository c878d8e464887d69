import { describe, expect, it } from 'vitest';
import type { Op } from '../../src/graph.ts';
import { erf, functionTable, scalarFunctionOf } from '../../src/quantization/activation.ts';

const op = (type: string, attributes: object = {}): Op =>
  ({ type, name: 'y', inputs: ['x'], outputs: ['y'], attributes }) as unknown as Op;

const side = (threshold: number, signed = true) => ({ scale: threshold / (signed ? 127 : 255), zeroPoint: 0, signed });

/** Entry of an input code. */
const at = (table: ArrayLike<number>, code: number): number => table[code & 255]!;

describe('look-up tables (numerics.md 7.6, vectors)', () => {
  const cases: readonly (readonly [string, Op, number, number, boolean, Readonly<Record<number, number>>])[] = [
    [
      'sigmoid',
      op('top.Sigmoid', { log: false }),
      8,
      1,
      false,
      { '-128': 0, '-64': 4, '-1': 123, 0: 128, 1: 132, 16: 187, 32: 225, 127: 255 },
    ],
    [
      'silu',
      op('top.SiLU'),
      6,
      6,
      true,
      { '-128': 0, '-64': -3, '-36': -6, '-19': -6, '-1': 0, 1: 1, 32: 26, 64: 61, 127: 127 },
    ],
    ['hardswish', op('top.HardSwish'), 6, 6, true, { '-64': 0, '-32': -8, '-16': -6, 32: 24, 64: 64 }],
    ['gelu', op('top.GELU', { approxMode: 'normal' }), 4, 4, true, { '-64': -1, '-32': -5, 32: 27, 64: 63 }],
    ['tanh', op('top.Tanh'), 3, 1, true, { '-128': -126, '-1': -3, 1: 3, 32: 81, 127: 126 }],
    ['mish', op('top.Mish'), 4, 4, true, { '-128': -2, '-64': -8, '-32': -10, '-1': -1, 32: 28, 64: 62 }],
    ['elu', op('top.Elu', { alpha: 1 }), 4, 4, true, { '-128': -31, '-64': -28, '-1': -1 }],
    // CV18xx writes i8 tables.
    [
      'sigmoid, i8',
      op('top.Sigmoid', { log: false }),
      8,
      1,
      true,
      { '-128': 0, '-64': 2, '-1': 62, 0: 64, 1: 65, 16: 93, 32: 112, 127: 127 },
    ],
  ];
  it.each(cases)('%s', (_label, operator, input, output, signed, expected) => {
    const table = functionTable(scalarFunctionOf(operator)!, side(input), side(output, signed));
    const found = Object.fromEntries(Object.keys(expected).map((code) => [code, at(table, Number(code))]));
    expect(found).toEqual(Object.fromEntries(Object.entries(expected)));
  });

  it('writes the lowest code for what is infinite', () => {
    expect(at(functionTable(Math.log, side(1), side(1)), 0)).toBe(-128);
    expect(
      at(
        functionTable((x) => 1 / x, side(1), side(1, false)),
        0,
      ),
    ).toBe(0);
  });

  it('reads unsigned codes', () => {
    expect(functionTable((x) => x, side(1, false), side(1, false))[200]).toBe(200);
  });
});

describe('erf', () => {
  it('is exact to the last bit near ±1, where GELU multiplies what is left of it', () => {
    // Values of glibc.
    expect(1 + erf(-5.656854249492381)).toBe(1.2212453270876722e-15);
    expect(1 + erf(-5.5)).toBe(7.327471962526033e-15);
    expect(erf(3)).toBe(0.9999779095030014);
    expect(erf(1.5)).toBe(0.9661051464753108);
  });

  it.each([
    [0, 0],
    [0.5, 0.5204998778130465],
    [1, 0.8427007929497149],
    [-2, -0.9953222650189527],
    [3.5, 0.9999992569016276],
    [10, 1],
  ])('%f', (x, expected) => {
    expect(erf(x)).toBeCloseTo(expected, 14);
  });
});

it('knows no function for other operators', () => {
  expect(scalarFunctionOf(op('top.Conv'))).toBeUndefined();
});
