import type { OpType } from '@q/ir';
import { describe, expect, test } from 'vitest';
import { ramp, tensor } from '../graph-builder.ts';
import { dataOf, expectClose, runOp } from '../run-op.ts';

const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x));
const softplus = (x: number): number => Math.log1p(Math.exp(x));
/** Abramowitz and Stegun's series would be as long as the kernel's: a Taylor sum in float64 is exact enough for |x| < 3. */
function erf(x: number): number {
  let [term, sum] = [x, x];
  for (let n = 1; n < 80; n++) {
    term *= (-x * x) / n;
    sum += term / (2 * n + 1);
  }
  return (2 / Math.sqrt(Math.PI)) * sum;
}

const x = tensor([1, 2, 2, 3], [-3, -2.5, -1, -0.5, -0.25, 0, 0.25, 0.5, 1, 1.5, 2.5, 3]);
const values = Array.from(x.data, Number);

const unary: [OpType, Record<string, unknown>, (x: number) => number][] = [
  ['top.Relu', { reluLimit: 2 }, (v) => Math.min(Math.max(v, 0), 2)],
  ['top.LeakyRelu', { alpha: 0.25 }, (v) => (v < 0 ? 0.25 * v : v)],
  ['top.Elu', { alpha: 0.5 }, (v) => (v < 0 ? 0.5 * (Math.exp(v) - 1) : v)],
  ['top.Sigmoid', {}, sigmoid],
  ['top.Sigmoid', { log: true }, (v) => Math.log(sigmoid(v))],
  ['top.SiLU', {}, (v) => v * sigmoid(v)],
  ['top.Mish', {}, (v) => v * Math.tanh(softplus(v))],
  ['top.HardSwish', {}, (v) => (v * Math.min(Math.max(v + 3, 0), 6)) / 6],
  ['top.HardSigmoid', { alpha: 0.25, beta: 0.5 }, (v) => Math.min(Math.max(0.25 * v + 0.5, 0), 1)],
  ['top.Swish', { beta: 2 }, (v) => v * sigmoid(2 * v)],
  ['top.GELU', { approxMode: 'tanh' }, (v) => (v / 2) * (1 + erf(v / Math.SQRT2))],
  ['top.Softplus', {}, softplus],
  ['top.Softsign', {}, (v) => v / (1 + Math.abs(v))],
  ['top.Tanh', {}, Math.tanh],
  ['top.Erf', {}, erf],
  ['top.Exp', {}, Math.exp],
  ['top.Abs', {}, Math.abs],
  ['top.Sign', {}, Math.sign],
  ['top.Ceil', {}, Math.ceil],
  ['top.Floor', {}, Math.floor],
  ['top.Sin', {}, Math.sin],
  ['top.Cos', {}, Math.cos],
  ['top.Tan', {}, Math.tan],
  ['top.Sinh', {}, Math.sinh],
  ['top.Cosh', {}, Math.cosh],
  ['top.Clip', { min: -1, max: 1.25 }, (v) => Math.min(Math.max(v, -1), 1.25)],
  ['top.AddConst', { constVal: 1.5 }, (v) => v + 1.5],
  ['top.AddConst', { constVal: 1.5, doRelu: true, reluLimit: 3 }, (v) => Math.min(Math.max(v + 1.5, 0), 3)],
  ['top.SubConst', { constVal: 1.5 }, (v) => v - 1.5],
  ['top.SubConst', { constVal: 1.5, isReverse: true }, (v) => 1.5 - v],
  ['top.MulConst', { constVal: -0.75 }, (v) => v * -0.75],
  ['top.DivConst', { constVal: 0.4 }, (v) => v / 0.4],
  ['top.MaxConst', { constVal: 0.3 }, (v) => Math.max(v, 0.3)],
  ['top.MinConst', { constVal: 0.3 }, (v) => Math.min(v, 0.3)],
  ['top.Pow', { exponent: 3 }, (v) => v ** 3],
  ['top.Pow2', { constVal: 2 }, (v) => 2 ** v],
  ['top.CompareConst', { mode: 'Greater', constVal: 0.25, inversed: false }, (v) => (v > 0.25 ? 1 : 0)],
  ['top.CompareConst', { mode: 'Greater', constVal: 0.25, inversed: true }, (v) => (0.25 > v ? 1 : 0)],
  ['top.CompareConst', { mode: 'Not', constVal: 0, inversed: false }, (v) => (v === 0 ? 1 : 0)],
  ['top.Cast', { to: 'INT32', roundMode: 'TowardsZero' }, Math.trunc],
  ['top.Cast', { to: 'F32' }, (v) => v],
];

describe('one operand', () => {
  test.each(unary)('%s %j', async (type, attributes, define) => {
    // `0 + …`: JavaScript's -0 results are 0 for this comparison.
    expectClose(
      (await dataOf({ type, attributes, inputs: [x] })).map((v) => 0 + v),
      values.map((v) => 0 + define(v)),
      2e-6,
    );
  });

  const positive: [OpType, Record<string, unknown>, (x: number) => number][] = [
    ['top.Log', {}, Math.log],
    ['top.Sqrt', {}, Math.sqrt],
    ['top.Rsqrt', {}, (v) => 1 / Math.sqrt(v)],
    ['top.LogB', { base: 2 }, Math.log2],
    ['top.Reciprocal', { constVal: 3 }, (v) => 3 / v],
    ['top.DivConst', { constVal: 3, isReverse: true }, (v) => 3 / v],
    ['top.Pow', { exponent: 0.3 }, (v) => v ** 0.3],
  ];
  test.each(positive)('%s %j of positive numbers', async (type, attributes, define) => {
    const data = [0.01, 0.5, 1, 2, 7.25, 1000];
    expectClose(await dataOf({ type, attributes, inputs: [tensor([6], data)] }), data.map(define), 2e-6);
  });

  test.each([
    ['top.Arccos', Math.acos],
    ['top.Arctanh', Math.atanh],
  ] as [OpType, (x: number) => number][])('%s inside (-1, 1)', async (type, define) => {
    const data = [-0.9, -0.5, 0, 0.25, 0.75];
    expectClose(await dataOf({ type, inputs: [tensor([5], data)] }), data.map(define), 2e-6);
  });

  test('top.Round: ties go to even', async () => {
    const got = await dataOf({ type: 'top.Round', inputs: [tensor([5], [0.5, 1.5, 2.5, -1.5, 2.4])] });
    expect(got).toEqual([0, 2, 2, -2, 2]);
  });

  test('top.PRelu: one slope per channel', async () => {
    const got = await dataOf({ type: 'top.PRelu', inputs: [x, tensor([2, 1, 1], [0.5, 2])], weightsFrom: 1 });
    expectClose(
      got,
      values.map((v, i) => (v < 0 ? v * (i < 6 ? 0.5 : 2) : v)),
    );
  });
});

describe('two operands', () => {
  const cases: [OpType, Record<string, unknown>, (a: number, b: number) => number][] = [
    ['top.Add', {}, (a, b) => a + b],
    ['top.Add', { coeff: [2, -0.5] }, (a, b) => 2 * a - 0.5 * b],
    ['top.Add', { doRelu: true }, (a, b) => Math.max(a + b, 0)],
    ['top.Sub', {}, (a, b) => a - b],
    ['top.Sub', { isReverse: true }, (a, b) => b - a],
    ['top.Sub', { coeff: [2, 0.5] }, (a, b) => 2 * a - 0.5 * b],
    ['top.Mul', {}, (a, b) => a * b],
    ['top.Div', {}, (a, b) => a / b],
    ['top.Div', { isReverse: true }, (a, b) => b / a],
    ['top.Min', {}, Math.min],
    ['top.Max', {}, Math.max],
    ['top.Mod', {}, (a, b) => a % b],
    ['top.Remainder', {}, (a, b) => a - b * Math.floor(a / b)],
    ['top.Compare', { mode: 'LessOrEqual' }, (a, b) => (a <= b ? 1 : 0)],
    ['top.Compare', { mode: 'NotEqual' }, (a, b) => (a !== b ? 1 : 0)],
    ['top.Compare', { mode: 'Xor' }, (a, b) => ((a !== 0) !== (b !== 0) ? 1 : 0)],
  ];
  const shapes: [number[], number[]][] = [
    [
      [2, 3, 2],
      [2, 3, 2],
    ],
    [[2, 3, 2], [1]],
    [[1], [2, 3, 2]],
    [
      [2, 3, 2],
      [3, 1],
    ],
    [
      [2, 1, 2],
      [1, 3, 1],
    ],
  ];
  test.each(cases.flatMap((one) => shapes.map((pair) => [...one, ...pair] as const)))(
    '%s %j over %s',
    async (type, attributes, define, aShape, bShape) => {
      const a = tensor(
        aShape,
        Array.from(ramp(aShape, 0.5).data, (v) => Number(v) + 0.3),
      );
      const b = tensor(
        bShape,
        Array.from(ramp(bShape, 0.25).data, (v) => Number(v) - 0.6),
      );
      const [result] = await runOp({ type, attributes, inputs: [a, b] });
      const index = (shape: number[], at: readonly number[]): number =>
        shape.reduce((sum, dim, axis) => sum * dim + (dim === 1 ? 0 : at[axis + at.length - shape.length]!), 0);
      const [d0, d1, d2] = result!.shape.length === 3 ? result!.shape : [1, 1, result!.shape[0]!];
      const expected: number[] = [];
      for (let i = 0; i < d0!; i++)
        for (let j = 0; j < d1!; j++)
          for (let k = 0; k < d2!; k++)
            expected.push(define(Number(a.data[index(aShape, [i, j, k])]), Number(b.data[index(bShape, [i, j, k])])));
      expectClose(result!.data, expected, 1e-5);
    },
  );

  test('three operands, the first two smaller than the result', async () => {
    const inputs = [tensor([3], [1, 2, 3]), tensor([1], [10]), tensor([2, 1], [100, 200])];
    const got = await dataOf({
      type: 'top.Add',
      attributes: { coeff: [1, 2, 3], doRelu: true, reluLimit: 621.5 },
      inputs,
    });
    expect(got).toEqual([321, 322, 323, 621, 621.5, 621.5]);
  });

  test('top.Pow3', async () => {
    expectClose(
      await dataOf({ type: 'top.Pow3', inputs: [tensor([3], [2, 3, 4]), tensor([3], [3, 2, 0.5])] }),
      [8, 9, 2],
    );
  });
});

describe('selection', () => {
  const condition = tensor([2, 2], [1, 0, 0, 1]);
  test('top.Where with tensors', async () => {
    const inputs = [condition, tensor([2, 2], [1, 2, 3, 4]), tensor([2, 2], [5, 6, 7, 8])];
    expect(await dataOf({ type: 'top.Where', inputs })).toEqual([1, 6, 7, 4]);
  });
  test('top.Where broadcasts all three', async () => {
    const inputs = [tensor([2, 1], [1, 0]), tensor([3], [1, 2, 3]), tensor([1], [9])];
    expect(await dataOf({ type: 'top.Where', inputs })).toEqual([1, 2, 3, 9, 9, 9]);
  });
  test('top.Where with numbers', async () => {
    const attributes = { xIsConst: true, xConstVal: 7, yIsConst: true, yConstVal: -1 };
    expect(await dataOf({ type: 'top.Where', attributes, inputs: [condition, null, null] })).toEqual([7, -1, -1, 7]);
  });
  test.each([
    [false, [9, 2, 3, 9]],
    [true, [1, 9, 9, 4]],
  ])('top.MaskedFill, inversed %s', async (inversed, expected) => {
    const inputs = [condition, tensor([2, 2], [1, 2, 3, 4])];
    expect(await dataOf({ type: 'top.MaskedFill', attributes: { inversed, constVal: 9 }, inputs })).toEqual(expected);
  });
});
