import { describe, expect, it } from 'vitest';
import { GridMode, type GridModeName, type Kernels, ScatterOp, type ScatterOpName } from '../src/index.ts';
import { type MaxPlaces, maxpool2dPlaces } from '../src/scalar/f32-pool.ts';
import { type GridSample, gridSample } from '../src/scalar/f32-sample.ts';
import { type ElementIndices, gatherElements, scatterElements, topK } from '../src/scalar/indexed.ts';
import { expectUlp, guarded, noise, useKernels } from './tester.ts';

const SAME_BITS = 0;
const PADDINGS = ['zeros', 'border', 'reflection'] as const;

describe('f32_grid_sample', () => {
  const { fresh } = useKernels();

  function check(s: GridSample, grid: Float32Array): void {
    const k = fresh();
    const x = noise(s.batch * s.channels * s.ih * s.iw, 1);
    const cells = grid.length / (2 * s.batch);
    const y = guarded(k, s.batch * s.channels * cells);
    // biome-ignore format: one argument per line hides the groups
    k.exports.f32_grid_sample(
      k.arena.place(x), k.arena.place(grid), y.ptr, s.batch, s.channels, s.ih, s.iw, cells,
      GridMode[s.mode], PADDINGS.indexOf(s.padding), s.alignCorners ? 1 : 0,
    );
    const label = `${s.mode} ${s.padding} ${s.alignCorners} ${s.ih}x${s.iw}`;
    expectUlp(k.arena.f32(y.ptr, s.batch * s.channels * cells), gridSample(x, grid, s), SAME_BITS, label);
    y.check(label);
  }

  it.each(Object.keys(GridMode) as GridModeName[])('%s: inside, on the edges and far outside', (mode) => {
    for (const padding of PADDINGS) {
      for (const alignCorners of [false, true]) {
        for (const [ih, iw] of [
          [5, 8],
          [1, 4],
          [3, 1],
        ] as const) {
          const edges = [-1, 1, 0, -1.5, 1.5, 7.25, -9, 0.25, 1 / 3, Number.NaN, Infinity, -0.75];
          const grid = Float32Array.from([...edges, ...edges.toReversed(), ...noise(24, 5, 2)]);
          check({ batch: 2, channels: 3, ih, iw, mode, padding, alignCorners }, grid);
        }
      }
    }
  });
});

describe('f32_maxpool2d_places', () => {
  const { fresh } = useKernels();
  const shape: MaxPlaces = {
    planes: 3,
    ih: 7,
    iw: 9,
    oh: 4,
    ow: 5,
    kh: 3,
    kw: 2,
    strideH: 2,
    strideW: 2,
    padTop: 1,
    padLeft: 1,
    dilationH: 1,
    dilationW: 1,
    columnMajor: false,
  };
  const shapes: Record<string, MaxPlaces> = {
    plain: shape,
    dilated: { ...shape, dilationH: 2, dilationW: 3, padTop: 2, padLeft: 2, oh: 4, ow: 5 },
    'column major': { ...shape, columnMajor: true },
    'one row': { ...shape, ih: 1, oh: 1, kh: 1, padTop: 0 },
  };

  it.each(Object.keys(shapes))('%s: values and places, together and alone', (key) => {
    const s = shapes[key]!;
    const x = noise(s.planes * s.ih * s.iw, 1).map((v) => Math.round(v * 4) / 4);
    x[5] = Number.NaN;
    x.fill(-Infinity, 20, 30);
    const expected = maxpool2dPlaces(x, s, -0.5, 0.75);
    const count = expected.values.length;
    for (const [wantsValues, wantsPlaces] of [
      [true, true],
      [true, false],
      [false, true],
    ] as const) {
      const k = fresh();
      const [y, places] = [guarded(k, count), guarded(k, count)];
      // biome-ignore format: one argument per line hides the groups
      k.exports.f32_maxpool2d_places(
        k.arena.place(x), wantsValues ? y.ptr : 0, wantsPlaces ? places.ptr : 0, s.planes, s.ih, s.iw, s.oh, s.ow,
        s.kh, s.kw, s.strideH, s.strideW, s.dilationH, s.dilationW, s.padTop, s.padLeft, s.columnMajor ? 1 : 0, -0.5, 0.75,
      );
      if (wantsValues) expectUlp(k.arena.f32(y.ptr, count), expected.values, SAME_BITS, 'values');
      if (wantsPlaces) expectUlp(k.arena.f32(places.ptr, count), expected.places, SAME_BITS, 'places');
      y.check('values');
      places.check('places');
    }
  });
});

/** Indices of shape `dims` along `axis` of data of shape `shape`. */
function indicesOf(shape: readonly number[], dims: readonly number[], axis: number, seed: number): ElementIndices {
  const steps = shape.map((_, d) => shape.slice(d + 1).reduce((a, b) => a * b, 1));
  const length = shape[axis]!;
  const count = dims.reduce((a, b) => a * b, 1);
  const indices = Int32Array.from(noise(count, seed), (v) => Math.floor(v * length));
  return { indices, dims, strides: steps.map((s, d) => (d === axis ? 0 : s)), length, step: steps[axis]! };
}

const planOf = (k: Kernels, { dims, strides }: ElementIndices): number =>
  k.arena.place(Int32Array.from([...dims, ...strides]));

const PICKS: [shape: number[], dims: number[], axis: number][] = [
  [[7], [4], 0],
  [[3, 5, 4], [2, 9, 4], 1],
  [[3, 5, 4], [3, 5, 2], 2],
  [[2, 3, 4, 5], [6, 3, 1, 5], 0],
];

describe('gather_elements_x32 and scatter_elements', () => {
  const { fresh } = useKernels();

  it.each(PICKS)('data %j, indices %j, axis %i', (shape, dims, axis) => {
    const which = indicesOf(shape, dims, axis, 3);
    const data = noise(
      shape.reduce((a, b) => a * b, 1),
      1,
    );
    const count = which.indices.length;
    const k = fresh();
    const expected = new Float32Array(count);
    expect(gatherElements(data, which, expected)).toBe(-1);
    const y = guarded(k, count);
    const [plan, indices, rank] = [planOf(k, which), k.arena.place(which.indices), dims.length];
    expect(
      k.exports.gather_elements_x32(k.arena.place(data), indices, y.ptr, rank, plan, which.length, which.step),
    ).toBe(-1);
    expectUlp(k.arena.f32(y.ptr, count), expected, SAME_BITS, 'gather');
    y.check('gather');
    for (const op of Object.keys(ScatterOp) as ScatterOpName[]) {
      const [changed, updates] = [data.slice(), noise(count, 9)];
      expect(scatterElements(op, changed, which, updates)).toBe(-1);
      const at = k.arena.place(data);
      const given = k.arena.place(updates);
      expect(k.exports.scatter_elements(ScatterOp[op], at, indices, given, rank, plan, which.length, which.step)).toBe(
        -1,
      );
      expectUlp(k.arena.f32(at, data.length), changed, SAME_BITS, op);
    }
  });

  it('name the first bad index', () => {
    const k = fresh();
    const which = {
      ...indicesOf([3, 5, 4], [2, 3, 4], 1, 3),
      indices: Int32Array.from({ length: 24 }, (_, i) => i % 5),
    };
    for (const bad of [5, -6]) {
      which.indices[17] = bad;
      const [plan, indices, data] = [planOf(k, which), k.arena.place(which.indices), k.arena.place(noise(60))];
      const [y, { length, step }] = [k.arena.place(noise(24)), which];
      expect(gatherElements(noise(60), which, new Float32Array(24))).toBe(17);
      expect(k.exports.gather_elements_x32(data, indices, y, 3, plan, length, step)).toBe(17);
      expect(k.exports.scatter_elements(ScatterOp.add, data, indices, y, 3, plan, length, step)).toBe(17);
    }
  });
});

describe('f32_top_k', () => {
  const { fresh } = useKernels();

  it.each([1, 2, 3, 10, 36, 37])('the %i best of 37, ties to the lower index', (count) => {
    const [outer, axis, inner] = [2, 37, 3];
    // Few values, so that there are ties; infinities and both zeros among them.
    const x = noise(outer * axis * inner, 1).map((v) => Math.round(v * 3));
    x.set([Infinity, -Infinity, -0, 0, Infinity], 4);
    for (const largest of [true, false]) {
      const k = fresh();
      const size = outer * count * inner;
      const [values, indices] = [guarded(k, size), guarded(k, size)];
      const scratch = k.arena.alloc(4 * count);
      // biome-ignore format: one argument per line hides the groups
      k.exports.f32_top_k(
        k.arena.place(x), values.ptr, indices.ptr, scratch, outer, axis, inner, count, largest ? 1 : 0,
      );
      const [expectedValues, expectedIndices] = [new Float32Array(size), new Float32Array(size)];
      for (let line = 0; line < outer * inner; line++) {
        const first = Math.floor(line / inner) * axis * inner + (line % inner);
        const order = topK(
          Float32Array.from({ length: axis }, (_, i) => x[first + i * inner]!),
          count,
          largest,
        );
        order.forEach((index, j) => {
          const at = (Math.floor(line / inner) * count + j) * inner + (line % inner);
          expectedValues[at] = x[first + index * inner]!;
          expectedIndices[at] = index;
        });
      }
      expectUlp(k.arena.f32(indices.ptr, size), expectedIndices, SAME_BITS, 'indices');
      expectUlp(k.arena.f32(values.ptr, size), expectedValues, SAME_BITS, 'values');
      values.check('values');
      indices.check('indices');
    }
  });
});
