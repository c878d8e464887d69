import { expect, it } from 'vitest';
import { codeSums } from '../src/code-sums.ts';
import { pairSums } from '../src/index.ts';
import { realsOfData } from '../src/sensitivity/sample-score.ts';

const LENGTH = 1000;

/** Bits without a pattern that sums could hide. */
const bits = (at: number): number => (at * 73 + (at >> 3) * 29) & 255;

it.each([
  ['signed', Int8Array, { scale: 0.0371, zeroPoint: 0 }],
  ['unsigned', Uint8Array, { scale: 0.0123, zeroPoint: 0 }],
  ['shifted', Int8Array, { scale: 1 / 3, zeroPoint: -7 }],
] as const)('sums over %s codes are those over their reals, bit for bit', (_, Codes, { scale, zeroPoint }) => {
  // Behind an offset, as values of a sample may lie.
  const codes = new Codes(new ArrayBuffer(LENGTH + 5), 5, LENGTH).map((_code, at) => bits(at));
  const within = new Codes(LENGTH + 3).subarray(3);
  within.set(codes);
  const floats = Float32Array.from({ length: LENGTH }, (_value, at) => Math.sin(at) * 3);
  const quantization = { kind: 'uniform', expressed: 'f32', scale, zeroPoint } as const;
  const reals = realsOfData(within, { shape: [LENGTH], dtype: Codes === Int8Array ? 'i8' : 'u8', quantization });
  expect(codeSums(within, quantization, floats)).toEqual(pairSums(reals, floats));
});

it('refuses other lengths', () => {
  expect(() => codeSums(new Int8Array(3), { scale: 1, zeroPoint: 0 }, new Float32Array(2))).toThrow(RangeError);
});
