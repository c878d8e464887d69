import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BinaryOp, planBroadcast, planCopy } from '../src/index.ts';
import { copyNd, gatherRows } from '../src/scalar/copy.ts';
import { binary } from '../src/scalar/f32-binary.ts';
import { expectUlp, guarded, noise, useKernels } from './tester.ts';

const size = (shape: readonly number[]): number => shape.reduce((n, d) => n * d, 1);

describe('f32_binary_nd', () => {
  const { fresh } = useKernels();

  function check(shapeA: readonly number[], shapeB: readonly number[]): void {
    const a = noise(size(shapeA), 1);
    const b = noise(size(shapeB), 2);
    const expected = binary('sub', a, shapeA, b, shapeB, { lo: -0.75, hi: 1 });
    const plan = planBroadcast(shapeA, shapeB);
    expect(size(plan.shape)).toBe(expected.length);
    const k = fresh();
    const y = guarded(k, expected.length);
    k.exports.f32_binary_nd(
      BinaryOp.sub,
      k.arena.place(a),
      k.arena.place(b),
      y.ptr,
      plan.rank,
      k.arena.place(plan.data),
      1,
      1,
      -0.75,
      1,
    );
    y.check('f32_binary_nd');
    expectUlp(k.arena.f32(y.ptr, expected.length), expected, 0, `[${shapeA}] - [${shapeB}]`);
  }

  it('merges dimensions', () => {
    expect(planBroadcast([2, 3, 4, 5], [2, 3, 4, 5])).toMatchObject({ rank: 1, shape: [2, 3, 4, 5] });
    expect([...planBroadcast([2, 3, 4, 5], [1, 3, 1, 1]).data]).toEqual([2, 3, 20, 60, 20, 1, 0, 1, 0]);
    expect([...planBroadcast([1, 3, 4, 5], [3, 1, 1]).data]).toEqual([3, 20, 20, 1, 1, 0]);
    expect([...planBroadcast([6], []).data]).toEqual([6, 1, 0]);
  });

  it('broadcasts any pair of compatible shapes', () => {
    const dim = fc.record({ d: fc.integer({ min: 1, max: 5 }), a: fc.boolean(), b: fc.boolean() });
    fc.assert(
      fc.property(fc.array(dim, { maxLength: 6 }), fc.nat({ max: 3 }), (dims, drop) => {
        check(
          dims.map((x) => (x.a ? 1 : x.d)),
          dims.map((x) => (x.b ? 1 : x.d)).slice(Math.min(drop, dims.length)),
        );
      }),
      { numRuns: 150, seed: 1 },
    );
  });

  it('reads operands that are strided in the innermost dimension', () => {
    const k = fresh();
    const a = noise(12, 1);
    const y = k.arena.allocF32(12);
    const plan = k.arena.place(Int32Array.from([4, 3, 1, 4, 0, 1]));
    const b = noise(3, 2);
    k.exports.f32_binary_nd(BinaryOp.mul, k.arena.place(a), k.arena.place(b), y, 2, plan, 1, 1, -Infinity, Infinity);
    const expected = Float32Array.from({ length: 12 }, (_, i) => a[Math.floor(i / 3) + (i % 3) * 4]! * b[i % 3]!);
    expectUlp(k.arena.f32(y, 12), expected, 0, 'strided');
  });
});

describe('copy_nd', () => {
  const { fresh } = useKernels();

  function checkPermutation(dims: readonly number[], order: readonly number[]): void {
    const strides = dims.map((_, i) => size(dims.slice(i + 1)));
    const outDims = order.map((axis) => dims[axis]!);
    const plan = planCopy(
      outDims,
      order.map((axis) => strides[axis]!),
      outDims.map((_, i) => size(outDims.slice(i + 1))),
    );
    const k = fresh();
    const words = noise(size(dims), 3);
    const bytes = new Uint8Array(words.buffer.slice(0, words.length));
    const expectedWords = new Float32Array(words.length);
    const expectedBytes = new Uint8Array(words.length);
    copyNd(words, expectedWords, plan);
    copyNd(bytes, expectedBytes, plan);
    const p = k.arena.place(plan.data);
    const y = guarded(k, words.length);
    k.exports.copy_nd_x32(k.arena.place(words), y.ptr, plan.rank, p);
    y.check('copy_nd_x32');
    expectUlp(k.arena.f32(y.ptr, words.length), expectedWords, 0, `[${dims}] by ${order}`);
    const z = k.arena.alloc(bytes.length);
    k.exports.copy_nd_x8(k.arena.place(bytes), z, plan.rank, p);
    expect([...k.arena.u8(z, bytes.length)]).toEqual([...expectedBytes]);
  }

  it('permutes', () => {
    checkPermutation([2, 3, 4, 5], [0, 2, 3, 1]);
    checkPermutation([2, 8, 9], [0, 2, 1]);
    checkPermutation([200, 3], [1, 0]);
    checkPermutation([3, 21, 37], [0, 2, 1]);
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 5 }), fc.nat(), (dims, pick) => {
        const order: number[] = [];
        const left = dims.map((_, i) => i);
        for (let p = pick; left.length > 0; p = Math.floor(p / 7)) order.push(left.splice(p % left.length, 1)[0]!);
        checkPermutation(dims, order);
      }),
      { numRuns: 150, seed: 2 },
    );
  });

  it('repeats, moves and strides bytes', () => {
    const k = fresh();
    const src = Uint8Array.from({ length: 900 }, (_, i) => (i * 7) % 251);
    const from = k.arena.place(src);
    const shapes: [dims: number[], sourceStrides: number[], targetStrides: number[]][] = [];
    for (const width of [1, 3, 16, 37]) {
      for (const times of [2, 3, 4])
        shapes.push([
          [5, 2, width, times],
          [width, 0, 1, 0],
          [2 * width * times, width * times, times, 1],
        ]);
    }
    for (const length of [1, 2, 3, 15, 17, 255, 256, 257, 300])
      shapes.push([
        [3, length],
        [300, 1],
        [length + 1, 1],
      ]);
    shapes.push(
      [
        [4, 9],
        [90, 3],
        [9, 1],
      ],
      [[9], [-1], [1]],
      [
        [8, 8],
        [1, 0],
        [9, 1],
      ],
      [
        [17, 11],
        [1, -20],
        [11, 1],
      ],
    );
    for (const [dims, sourceStrides, targetStrides] of shapes) {
      const plan = planCopy(dims, sourceStrides, targetStrides);
      const first = sourceStrides.some((stride) => stride < 0) ? 400 : 0;
      const expected = new Uint8Array(2000).fill(99);
      copyNd(src, expected, plan, first);
      const to = k.arena.alloc(expected.length);
      k.exports.fill_x8(to, 99, expected.length);
      const at = k.arena.place(plan.data);
      k.exports.copy_nd_x8(from + first, to, plan.rank, at);
      expect(Buffer.compare(k.arena.u8(to, expected.length), expected), `[${dims}] of [${sourceStrides}]`).toBe(0);
    }
  });

  it('expands, reverses, pads', () => {
    const k = fresh();
    const src = k.arena.place(Float32Array.from([1, 2, 3]));
    const dst = k.arena.allocF32(9);
    const run = (from: number, to: number, dims: number[], s: number[], d: number[]): number[] => {
      const plan = planCopy(dims, s, d);
      k.exports.fill_f32(dst, 0, 9);
      k.exports.copy_nd_x32(from, to, plan.rank, k.arena.place(plan.data));
      return [...k.arena.f32(dst, 9)];
    };
    expect(run(src, dst, [3, 3], [0, 1], [3, 1])).toEqual([1, 2, 3, 1, 2, 3, 1, 2, 3]);
    expect(run(src, dst, [3, 3], [1, 0], [3, 1])).toEqual([1, 1, 1, 2, 2, 2, 3, 3, 3]);
    expect(run(src + 8, dst, [3], [-1], [1])).toEqual([3, 2, 1, 0, 0, 0, 0, 0, 0]);
    expect(run(src, dst + 16, [3], [1], [2])).toEqual([0, 0, 0, 0, 1, 0, 2, 0, 3]);
  });

  it('fills', () => {
    const k = fresh();
    const y = guarded(k, 7);
    k.exports.fill_f32(y.ptr, -2.5, 7);
    expect([...k.arena.f32(y.ptr, 7)]).toEqual(Array(7).fill(-2.5));
    k.exports.fill_x32(y.ptr, -7, 7);
    expect([...k.arena.i32(y.ptr, 7)]).toEqual(Array(7).fill(-7));
    k.exports.fill_x8(y.ptr, 200, 28);
    expect([...k.arena.u8(y.ptr, 28)]).toEqual(Array(28).fill(200));
    y.check('fill');
  });

  it('gathers rows and names the first bad index', () => {
    for (const rowBytes of [1, 4, 12]) {
      const k = fresh();
      const src = Uint8Array.from({ length: 5 * rowBytes }, (_, i) => i + 1);
      for (const indices of [[4, 0, -1, -5, 2], [1, 5, 0], [0, -6], []]) {
        const index = Int32Array.from(indices);
        const expected = new Uint8Array(indices.length * rowBytes);
        const answer = gatherRows(src, index, expected, 5, rowBytes);
        const dst = k.arena.alloc(expected.length);
        k.exports.fill_x8(dst, 0, expected.length);
        expect(k.exports.gather_rows(k.arena.place(src), k.arena.place(index), dst, index.length, 5, rowBytes)).toBe(
          answer,
        );
        expect([...k.arena.u8(dst, expected.length)]).toEqual([...expected]);
      }
    }
  });

  it('where', () => {
    const k = fresh();
    const cond = k.arena.place(Float32Array.from([0, 1, Number.NaN, -0, 2, 0, 3]));
    const a = k.arena.place(Float32Array.from([1, 2, 3, 4, 5, 6, 7]));
    const b = k.arena.place(Float32Array.from([-1, -2, -3, -4, -5, -6, -7]));
    const y = guarded(k, 7);
    k.exports.f32_where(cond, a, 1, b, 1, y.ptr, 7);
    expect([...k.arena.f32(y.ptr, 7)]).toEqual([-1, 2, 3, -4, 5, -6, 7]);
    k.exports.f32_where(cond, a, 0, b, 1, y.ptr, 7);
    expect([...k.arena.f32(y.ptr, 7)]).toEqual([-1, 1, 1, -4, 1, -6, 1]);
    y.check('where');
  });
});
