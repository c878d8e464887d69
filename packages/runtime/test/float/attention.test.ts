import { expandAttention, type Graph } from '@q/ir';
import { describe, expect, test } from 'vitest';
import { GraphBuilder, ramp, type TensorLike, tensor } from '../graph-builder.ts';
import { expectClose, runOp, session } from '../run-op.ts';

const at = (t: TensorLike, index: number): number => Number(t.data[index]);
const [B, H, S, T, D, E] = [2, 2, 3, 4, 5, 2];
const [query, key, value] = [ramp([B, H, S, D]), ramp([B, H, T, D]), ramp([B, H, T, E])];

interface Options {
  readonly scale: number;
  readonly softcap?: number;
  /** What is added to the score of query s and key t of plane h. */
  readonly mask?: (h: number, s: number, t: number) => number;
}

/** The definition: ir.md 6.2. */
function attention({ scale, softcap, mask = () => 0 }: Options): number[] {
  return Array.from({ length: B * H * S * E }, (_, index) => {
    const [h, s, e] = [Math.floor(index / (S * E)), Math.floor(index / E) % S, index % E];
    const scores = Array.from({ length: T }, (_, t) => {
      let sum = 0;
      for (let d = 0; d < D; d++) sum += at(query, (h * S + s) * D + d) * at(key, (h * T + t) * D + d);
      const score = sum * scale;
      return (softcap === undefined ? score : softcap * Math.tanh(score / softcap)) + mask(h, s, t);
    });
    const most = Math.max(...scores);
    if (most === -Infinity) return 0;
    const weights = scores.map((score) => Math.exp(score - most));
    const total = weights.reduce((sum, weight) => sum + weight, 0);
    return weights.reduce((sum, weight, t) => sum + (weight / total) * at(value, (h * T + t) * E + e), 0);
  });
}

const run = (attributes: Record<string, unknown>, mask: TensorLike | null = null) =>
  runOp({ type: 'top.ScaleDotProductAttention', attributes, inputs: [query, key, value, mask] });

describe('attention', () => {
  test('without a scale divides by the root of the size', async () => {
    const [result] = await run({});
    expect(result!.shape).toEqual([B, H, S, E]);
    expectClose(result!.data, attention({ scale: 1 / Math.sqrt(D) }));
  });

  test('caps scores before the mask is added', async () => {
    const mask = tensor(
      [1, 1, S, T],
      Array.from({ length: S * T }, (_, index) => (index % 5) - 2),
    );
    const [result] = await run({ scale: 3, softcap: 0.5 }, mask);
    const expected = attention({ scale: 3, softcap: 0.5, mask: (_, s, t) => at(mask, s * T + t) });
    expectClose(result!.data, expected);
  });

  test.each([
    ['keys', [1, T], () => 0],
    ['samples', [B, 1, 1, T], (h: number) => Math.floor(h / H) * T],
    ['heads', [1, H, 1, T], (h: number) => (h % H) * T],
  ] as const)('masks by %s', async (_name, shape, from) => {
    const count = shape.reduce((product, dim) => product * dim, 1);
    const mask = tensor(
      shape,
      Array.from({ length: count }, (_, index) => (index % 3 === 1 ? -Infinity : index / 4)),
    );
    const [result] = await run({ scale: 1 }, mask);
    expectClose(result!.data, attention({ scale: 1, mask: (h, _s, t) => at(mask, from(h) + t) }));
  });

  test('a query that sees no key gives zeros', async () => {
    const mask = tensor(
      [S, T],
      Array.from({ length: S * T }, (_, index) => (index < T ? -Infinity : 0)),
    );
    const [result] = await run({ scale: 1 }, mask);
    expect(result!.data.slice(0, E)).toEqual([0, 0]);
    expectClose(result!.data, attention({ scale: 1, mask: (_h, s) => (s === 0 ? -Infinity : 0) }));
  });

  test('causal queries see what is before them', async () => {
    const [result] = await run({ isCausal: true });
    const mask = (_h: number, s: number, t: number) => (t > s ? -Infinity : 0);
    expectClose(result!.data, attention({ scale: 1 / Math.sqrt(D), mask }));
  });

  test('gives the same when it is written with matrix products', async () => {
    const builder = new GraphBuilder();
    const names = [query, key, value].map((input, index) => builder.input(`x${index}`, input.shape));
    const attributes = { isCausal: true, softcap: 2 };
    builder.add({
      type: 'top.ScaleDotProductAttention',
      name: 'y',
      inputs: [...names, null],
      outputs: ['y'],
      attributes,
    });
    const whole = builder.graph(['y']);
    const feeds = new Map([query, key, value].map((input, index) => [`x${index}`, input.data] as const));
    const results = async (graph: Graph) => [...(await session(graph)).run(feeds).get('y')!];
    const expanded = expandAttention(whole);
    expect(expanded.ops.map(({ type }) => type.replace('top.', '')).slice(3)).toEqual([
      ...['Permute', 'MatMul', 'MulConst', 'MulConst', 'Tanh', 'MulConst', 'Add', 'Softmax', 'MatMul'],
    ]);
    expect(expanded.ops.map(({ name }) => name)).toContain('x0_kv_scaled_softmax');
    expectClose(await results(expanded), await results(whole));
  });
});
