import { describe, expect, it } from 'vitest';
import { Finish } from '../src/index.ts';
import { scaledTerm } from '../src/scalar/qs8-binary.ts';
import { type AccumulatorFinish, finishAccumulator } from '../src/scalar/qs8-conv.ts';
import { multiplyShift } from '../src/scalar/requant.ts';
import { put } from './codes.ts';
import { useKernels } from './tester.ts';

const { fresh } = useKernels();

/** A small generator with a fixed seed: the same cases on every machine. */
function generator(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

const whole = (random: () => number, low: number, high: number): number =>
  low + Math.floor(random() * (high - low + 1));

/** Multipliers and shifts of every kind: usual ones, powers of two (ties), extremes, left shifts. */
function factor(random: () => number): readonly [multiplier: number, rshift: number] {
  switch (whole(random, 0, 5)) {
    case 0:
      return [1, whole(random, 0, 20)];
    case 1:
      return [whole(random, 1, 2 ** 24), whole(random, 8, 47)];
    case 2:
      return [whole(random, -(2 ** 31) + 1, 2 ** 31 - 1), whole(random, 24, 63)];
    case 3:
      return [whole(random, 1, 127), whole(random, -8, 8)];
    case 4:
      return [2 ** whole(random, 0, 30), whole(random, 0, 31)];
    default:
      return [0, whole(random, -32, 62)];
  }
}

/** Biases around what decides roundings, and far beyond what an f32 counts exactly. */
function bias(random: () => number): number {
  const magnitude = 2 ** whole(random, 0, 31);
  return Math.fround(Math.round((random() * 2 - 1) * magnitude));
}

const ROUNDS = 60;
const COLUMNS = 64;
const ROWS = 256;

describe('a million random finishes of accumulators', () => {
  it.each([
    ['multiplierShift', Finish.multiplierShift],
    ['qdm', Finish.qdm],
  ] as const)('%s', (kind, code) => {
    const random = generator(kind === 'qdm' ? 7 : 3);
    const k = fresh();
    const e = k.exports;
    // One step of depth: the accumulators are all codes −128…127, times 1 or more.
    const a = Int8Array.from({ length: ROWS }, (_, row) => row - 128);
    const packed = k.arena.alloc(e.qs8_gemm_packed_bytes(ROWS, COLUMNS, 1));
    const y = k.arena.alloc(ROWS * COLUMNS * 2);
    const scratch = k.arena.alloc(e.qs8_gemm_scratch_bytes(1));
    const left = put(k, a);
    for (let round = 0; round < ROUNDS; round++) {
      const b = Int8Array.from({ length: COLUMNS }, () => whole(random, -128, 127));
      const factors = Array.from({ length: COLUMNS }, () => {
        const [multiplier, rshift] = factor(random);
        return kind === 'qdm'
          ? ([Math.abs(multiplier), Math.min(Math.abs(rshift), 31)] as const)
          : [multiplier, rshift];
      });
      const zero = whole(random, -200, 200);
      const finish: AccumulatorFinish = {
        kind,
        bias: Float32Array.from({ length: COLUMNS }, () => bias(random)),
        multiplier: factors.map(([multiplier]) => multiplier!),
        rshift: factors.map(([, rshift]) => rshift!),
        zero,
        lo: -32768,
        hi: 32767,
      };
      e.qs8_gemm_pack(put(k, b), 1, packed, ROWS, COLUMNS, 1, COLUMNS, 1);
      // biome-ignore format: one argument per line hides the groups
      e.qs8_gemm(
        left, 1, packed, put(k, finish.bias as Float32Array), put(k, Int32Array.from(finish.multiplier)),
        put(k, Int32Array.from(finish.rshift)), y, 2, scratch, ROWS, COLUMNS, 1, 1, 1, COLUMNS, code, zero, -32768, 32767,
      );
      const found = new Int16Array(k.memory.buffer, y, ROWS * COLUMNS);
      for (let at = 0; at < found.length; at++) {
        const column = at % COLUMNS;
        const sum = a[Math.floor(at / COLUMNS)]! * b[column]!;
        const expected = finishAccumulator(sum, column, finish);
        if (found[at] !== expected) {
          const shown = [finish.bias![column], finish.multiplier[column], finish.rshift[column], zero];
          expect.fail(`${sum} with bias, multiplier, shift, zero ${shown}: ${found[at]}, expected ${expected}`);
        }
      }
    }
  });
});

describe('half a million random requantizations of sums', () => {
  it('half up and half away', () => {
    const random = generator(11);
    const k = fresh();
    const x = Int32Array.from({ length: 1000 }, (_, i) => {
      const magnitude = 2 ** (i % 32);
      return Math.max(-(2 ** 31), Math.min(2 ** 31 - 1, Math.round((random() * 2 - 1) * magnitude)));
    });
    const from = put(k, x);
    const to = k.arena.alloc(4 * x.length);
    for (let round = 0; round < 500; round++) {
      const [multiplier, rshift] = factor(random);
      const away = round % 2;
      const zero = whole(random, -100, 100);
      k.exports.requant_x32(from, to, 4, x.length, multiplier, rshift, away, zero, -(2 ** 31), 2 ** 31 - 1);
      const found = new Int32Array(k.memory.buffer, to, x.length);
      x.forEach((value, i) => {
        const scaled = multiplyShift(value, multiplier, rshift, away ? 'HalfAwayFromZero' : 'HalfUp') + zero;
        const expected = Math.min(Math.max(scaled, -(2 ** 31)), 2 ** 31 - 1);
        if (found[i] !== expected) {
          expect.fail(`${value} · ${multiplier} >> ${rshift} (${away}) + ${zero}: ${found[i]}, expected ${expected}`);
        }
      });
    }
  });
});

describe('every pair of codes, with random factors', () => {
  const pairs = 65536;
  const a = Int8Array.from({ length: pairs }, (_, i) => (i >> 8) - 128);
  const b = Uint8Array.from({ length: pairs }, (_, i) => i & 255);
  it('sums and products', () => {
    const random = generator(5);
    const k = fresh();
    const [pa, pb, py] = [put(k, a), put(k, b), k.arena.alloc(pairs)];
    for (let round = 0; round < 12; round++) {
      const [lo, hi] = round % 2 === 0 ? [-128, 127] : [0, 255];
      const Codes = lo < 0 ? Int8Array : Uint8Array;
      const [mA, mB] = [whole(random, -127, 127), whole(random, -127, 127)];
      const [sA, sB] = [whole(random, 0, 30), whole(random, 0, 12)];
      const [zA, zB, zero] = [whole(random, -128, 127), whole(random, 0, 255), whole(random, -128, 127)];
      k.exports.qs8_add(pa, 1, zA, mA, sA, pb, 0, zB, mB, sB, py, pairs, zero, lo, hi);
      const sums = new Codes(k.memory.buffer, py, pairs).slice();
      k.exports.qs8_mul(pa, 1, zA, pb, 0, zB, py, pairs, mA, sB, zero, lo, hi);
      const products = new Codes(k.memory.buffer, py, pairs);
      const termsA = Int32Array.from({ length: 256 }, (_, i) =>
        scaledTerm(i - 128, { zero: zA, multiplier: mA, rshift: sA }),
      );
      const termsB = Int32Array.from({ length: 256 }, (_, i) =>
        scaledTerm(i, { zero: zB, multiplier: mB, rshift: sB }),
      );
      const clamp = (value: number): number => Math.min(Math.max(value + zero, lo), hi);
      for (let i = 0; i < pairs; i++) {
        const sum = clamp(termsA[i >> 8]! + termsB[i & 255]!);
        const product = clamp(multiplyShift((a[i]! - zA) * (b[i]! - zB), mA, sB, 'HalfUp'));
        if (sums[i] !== sum || products[i] !== product) {
          expect.fail(`${a[i]}, ${b[i]}: ${sums[i]} and ${products[i]}, expected ${sum} and ${product}`);
        }
      }
    }
  });
});
