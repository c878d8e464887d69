import { formatDouble } from '@q/ir';
import fc from 'fast-check';
import { expect, it } from 'vitest';

it.each([
  [0, '0.000000e+00'],
  [-0, '-0.000000e+00'],
  [1, '1.000000e+00'],
  [-1, '-1.000000e+00'],
  [87, '8.700000e+01'],
  [0.1, '1.000000e-01'],
  [1e-6, '9.9999999999999995E-7'],
  [10.2680979, '10.268097900000001'],
  [-2.0665298, '-2.0665298000000001'],
  [0.0083817827450980396, '0.0083817827450980396'],
  [Math.fround(0.0039216), '0.0039216000586748123'],
  [0.7, '0.69999999999999996'],
  [Math.fround(1e-6), '9.9999999747524271E-7'],
  [Math.fround(0.5488135), '0.54881352186203003'],
  [1e300, '1.000000e+300'],
  [123456, '1.234560e+05'],
  [123456789, '0x419D6F3454000000'],
  [Number.POSITIVE_INFINITY, '0x7FF0000000000000'],
  [Number.NEGATIVE_INFINITY, '0xFFF0000000000000'],
  [Number.NaN, '0x7FF8000000000000'],
  [1 / 3, '0.33333333333333331'],
  [5e-324, '4.940660e-324'],
])('%d prints as %s', (value, text) => {
  expect(formatDouble(value)).toBe(text);
});

it('prints every double so that it reads back', () => {
  fc.assert(
    fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (value) => {
      const text = formatDouble(value);
      if (!text.startsWith('0x')) expect(Object.is(Number(text), value)).toBe(true);
      else expect(Number.isInteger(value)).toBe(true);
    }),
    { numRuns: 2000 },
  );
});
