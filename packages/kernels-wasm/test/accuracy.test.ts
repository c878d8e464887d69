import { describe, expect, it } from 'vitest';
import { UnaryOp, type UnaryOpName } from '../src/index.ts';
import { ulpDistance, useKernels } from './tester.ts';

/**
 * Largest distance from the true value, in units in the last place of float32, over the sweep below: the second of the two
 * comparisons (the first, with the scalar twin, is exact). ABI.md repeats these numbers.
 */
const ULP_BUDGET: Partial<
  Record<UnaryOpName, { ulp: number; from: number; to: number; truth: (x: number) => number }>
> = {
  exp: { ulp: 1, from: -104, to: 89, truth: Math.exp },
  log: { ulp: 1, from: 0, to: 3e38, truth: Math.log },
  sigmoid: { ulp: 2, from: -100, to: 100, truth: (x) => 1 / (1 + Math.exp(-x)) },
  logSigmoid: { ulp: 3, from: -100, to: 100, truth: (x) => Math.min(x, 0) - Math.log1p(Math.exp(-Math.abs(x))) },
  tanh: { ulp: 2, from: -20, to: 20, truth: Math.tanh },
  erf: { ulp: 2, from: -6, to: 6, truth: erf },
  silu: { ulp: 3, from: -80, to: 100, truth: (x) => x / (1 + Math.exp(-x)) },
  softplus: { ulp: 3, from: -100, to: 100, truth: (x) => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x))) },
  mish: { ulp: 4, from: -80, to: 100, truth: (x) => x * Math.tanh(Math.log1p(Math.exp(x))) },
  elu: { ulp: 2, from: -40, to: 10, truth: (x) => (x < 0 ? Math.expm1(x) : x) },
  rsqrt: { ulp: 1, from: 0, to: 3e38, truth: (x) => 1 / Math.sqrt(x) },
  sin: { ulp: 1, from: -1e6, to: 1e6, truth: Math.sin },
  cos: { ulp: 1, from: -1e6, to: 1e6, truth: Math.cos },
  tan: { ulp: 1, from: -1e4, to: 1e4, truth: Math.tan },
  arccos: { ulp: 1, from: -1, to: 1, truth: Math.acos },
  arctanh: { ulp: 1, from: -1, to: 1, truth: Math.atanh },
  sinh: { ulp: 1, from: -89, to: 89, truth: Math.sinh },
  cosh: { ulp: 1, from: -89, to: 89, truth: Math.cosh },
};

/** gelu adds 1 + erf, which cancels on the negative side: its budget is relative to |x|, not to the result. */
const GELU_RELATIVE_TO_X = 2 ** -22;

/** erf in float64 to about 1e-15: the Taylor series below 2.5, a continued fraction for erfc above. */
function erf(x: number): number {
  const z = Math.abs(x);
  if (z < 2.5) {
    let term = x;
    let sum = x;
    for (let k = 1; k < 80; k++) {
      term *= (-x * x) / k;
      sum += term / (2 * k + 1);
    }
    return (2 / Math.sqrt(Math.PI)) * sum;
  }
  let fraction = z;
  for (let k = 60; k > 0; k--) fraction = z + k / 2 / fraction;
  return Math.sign(x) * (1 - Math.exp(-z * z) / (Math.sqrt(Math.PI) * fraction));
}

/** Floats spread evenly over the bit patterns between the bounds and evenly over the line, both. */
function sweep(from: number, to: number): Float32Array {
  const COUNT = 40000;
  const out = new Float32Array(2 * COUNT + 2);
  const bits = new DataView(new ArrayBuffer(4));
  for (let i = 0; i < COUNT; i++) {
    out[i] = from + ((to - from) * i) / (COUNT - 1);
    bits.setUint32(0, Math.floor((i / COUNT) * 0x7f800000));
    const v = bits.getFloat32(0) * (i % 2 === 0 ? 1 : -1);
    out[COUNT + i] = v >= from && v <= to ? v : from / 2 + to / 2;
  }
  return out;
}

describe('accuracy against the true value', () => {
  const { fresh } = useKernels();

  const run = (op: UnaryOpName, x: Float32Array, p: number): Float32Array => {
    const k = fresh();
    const xp = k.arena.place(x);
    k.exports.f32_unary(UnaryOp[op], xp, xp, x.length, p, 0);
    return k.arena.f32(xp, x.length);
  };

  it.each(Object.entries(ULP_BUDGET))('%s', (op, budget) => {
    const x = sweep(budget.from, budget.to);
    const y = run(op as UnaryOpName, x, 1);
    let worst = 0;
    let at = 0;
    for (let i = 0; i < x.length; i++) {
      const d = ulpDistance(y[i]!, Math.fround(budget.truth(x[i]!)));
      if (d > worst) [worst, at] = [d, x[i]!];
    }
    expect(worst, `${op}(${at})`).toBeLessThanOrEqual(budget.ulp);
  });

  it('gelu', () => {
    const x = sweep(-20, 20);
    const y = run('gelu', x, 0);
    for (let i = 0; i < x.length; i++) {
      const truth = (x[i]! / 2) * (1 + erf(x[i]! / Math.SQRT2));
      expect(Math.abs(y[i]! - truth), `gelu(${x[i]})`).toBeLessThanOrEqual(
        GELU_RELATIVE_TO_X * Math.abs(x[i]!) + 1e-45,
      );
    }
  });

  it('answers special values', () => {
    const special = Float32Array.from([0, -0, Infinity, -Infinity, Number.NaN, -1]);
    expect([...run('exp', special, 0)]).toEqual([1, 1, Infinity, 0, Number.NaN, Math.fround(Math.exp(-1))]);
    expect([...run('log', special, 0)]).toEqual([-Infinity, -Infinity, Infinity, Number.NaN, Number.NaN, Number.NaN]);
    expect([...run('sigmoid', special, 0)].slice(0, 5)).toEqual([0.5, 0.5, 1, 0, Number.NaN]);
    expect([...run('tanh', special, 0)].slice(0, 5)).toEqual([0, 0, 1, -1, Number.NaN]);
    expect([...run('erf', special, 0)].slice(0, 5)).toEqual([0, -0, 1, -1, Number.NaN]);
    expect([...run('softplus', special, 0)].slice(2, 5)).toEqual([Infinity, 0, Number.NaN]);
    expect([...run('round', Float32Array.from([0.5, 1.5, 2.5, -0.5, -1.5, 8388609]), 0)]).toEqual([
      0, 2, 2, -0, -2, 8388609,
    ]);
    expect([...run('roundHalfAway', Float32Array.from([0.5, 1.5, 2.5, -0.5, 0.49999997, -8388609]), 0)]).toEqual([
      1, 2, 3, -1, 0, -8388609,
    ]);
  });
});
