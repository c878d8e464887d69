import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { lsbReport } from '../src/index.ts';

const scales = new Map([
  ['conv', { scale: 0.5 }],
  ['pool', { scale: 0.25, zeroPoint: -3 }],
]);
const ours = new Map<string, ArrayLike<number>>([
  ['conv', Int8Array.of(1, -2, 3, 127)],
  ['pool', Int8Array.of(-3, 0)],
  ['softmax', Float32Array.of(0.25, 1.27)],
]);

describe('lsbReport', () => {
  it('gives distances of codes, worst first, and the first layer that differs', () => {
    const dumped = new Map<string, ArrayLike<number>>([
      ['pool', Float32Array.of(-1, 5)],
      ['conv', Float32Array.of(1, -1, 3, 127)],
      ['softmax', Float32Array.of(0.25, 1.27)],
    ]);
    const report = lsbReport({ ours, dumped, scales });
    expect(report.dumpedAs).toBe('codes');
    expect(report.firstDifferent).toBe('conv');
    expect(report.layers.map(({ name, maxLsb, meanLsb, different }) => [name, maxLsb, meanLsb, different])).toEqual([
      ['pool', 5, 3.5, 2],
      ['conv', 1, 0.25, 1],
      ['softmax', 0, 0, 0],
    ]);
    expect(report.layers[0]!.worst).toEqual({ index: 1, ours: 0, dumped: 5 });
    expect(report.layers[0]!.step).toBe(0.25);
  });

  it('finds layers that TPU-MLIR 1.17 names otherwise', () => {
    const codes = Int8Array.of(1, 2);
    const named = (name: string) => new Map([[name, codes]]);
    const report = lsbReport({ ours: named('a_Split_r_new'), dumped: named('a_Split_new'), scales: new Map() });
    expect(report.layers.map(({ name }) => name)).toEqual(['a_Split_r_new']);
    expect(report.onlyDumped).toEqual([]);
  });

  it('reads reals as codes of the scale and zero point', () => {
    const dumped = new Map<string, ArrayLike<number>>([
      ['conv', Float32Array.of(0.5, -1, 1.5, 63.25)],
      ['pool', Float32Array.of(0, 1)],
    ]);
    const report = lsbReport({ ours, dumped, scales });
    expect(report.dumpedAs).toBe('reals');
    expect(report.onlyOurs).toEqual(['softmax']);
    expect(report.layers.map(({ name, maxLsb }) => [name, maxLsb])).toEqual([
      ['pool', 1],
      ['conv', 0.5],
    ]);
    expect(report.layers[0]!.worst).toEqual({ index: 1, ours: 0, dumped: 1 });
  });

  it('takes whole reals for codes unless told', () => {
    const dumped = new Map([['conv', Float32Array.of(1, -1, 2, 64)]]);
    expect(lsbReport({ ours, dumped, scales }).dumpedAs).toBe('codes');
    const told = lsbReport({ ours, dumped, scales, dumpedAs: 'reals' });
    expect(told.layers[0]!.worst).toEqual({ index: 0, ours: 1, dumped: 2 });
    expect(told.layers[0]!.maxLsb).toBe(1);
  });

  it('measures float layers in steps of 8 bits', () => {
    const dumped = new Map([['softmax', Float32Array.of(0.25, 1.17)]]);
    const [layer] = lsbReport({ ours, dumped, scales }).layers;
    expect(layer!.isQuantized).toBe(false);
    expect(layer!.step).toBeCloseTo(0.01, 6);
    expect(layer!.maxLsb).toBeCloseTo(10, 4);
  });

  it('puts an element that is not a number first', () => {
    const dumped = new Map<string, ArrayLike<number>>([
      ['conv', Float32Array.of(1, Number.NaN, 3, 127)],
      ['softmax', Float32Array.of(0.25, 100)],
    ]);
    const [layer] = lsbReport({ ours, dumped, scales }).layers;
    expect([layer!.name, layer!.maxLsb, layer!.worst.index]).toEqual(['conv', Number.POSITIVE_INFINITY, 1]);
  });

  it('lists what cannot be compared, and refuses an unrelated dump', () => {
    const other = new Map<string, ArrayLike<number>>([
      ['conv', [1, 2]],
      ['pool', [0, 0]],
      ['stem', [4]],
    ]);
    const report = lsbReport({ ours, dumped: other, scales });
    expect(report.sizesDiffer).toEqual([{ name: 'conv', ours: 4, dumped: 2 }]);
    expect(report.onlyDumped).toEqual(['stem']);
    expect(report.layers.map(({ name }) => name)).toEqual(['pool']);
    expect(() => lsbReport({ ours, dumped: new Map([['stem', [4]]]), scales })).toThrowError(
      expect.objectContaining({ code: 'search.dump-unrelated' }),
    );
  });

  it('is zero exactly for equal codes, whichever form they are dumped in', () => {
    const codes = fc.int8Array({ minLength: 1, maxLength: 20 });
    fc.assert(
      fc.property(
        codes,
        fc.double({ min: 1e-6, max: 10, noNaN: true }),
        fc.integer({ min: -20, max: 20 }),
        (q, s, z) => {
          const scale = new Map([['x', { scale: s, zeroPoint: z }]]);
          const same = lsbReport({
            ours: new Map([['x', q]]),
            dumped: new Map([['x', Float32Array.from(q)]]),
            scales: scale,
          });
          expect(same.layers[0]!.maxLsb).toBe(0);
          const reals = Float64Array.from(q, (code) => s * (code - z));
          const real = lsbReport({
            ours: new Map([['x', q]]),
            dumped: new Map([['x', reals]]),
            scales: scale,
            dumpedAs: 'reals',
          });
          expect(real.layers[0]!.different).toBe(0);
          expect(real.layers[0]!.maxLsb).toBeLessThan(1e-9);
        },
      ),
    );
  });
});
