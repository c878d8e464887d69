import { expect, test } from 'vitest';
import { heads, type NetworkOutput } from '../src/index.ts';

const output = (shape: number[], data: ArrayLike<number>): NetworkOutput => ({ name: 'out', shape, data });
const logit = (p: number): number => Math.log(p / (1 - p));
const rounded = (values: Float32Array): number[] => [...values].map((value) => Math.round(value * 1000) / 1000);

/** One anchor of two, cell (row 1, column 0) of a 2x2 grid; everything else is zero. */
function map(fields: readonly number[], anchor: number): Float32Array {
  const data = new Float32Array(2 * fields.length * 4);
  fields.forEach((value, field) => {
    data[(anchor * fields.length + field) * 4 + 2] = value;
  });
  return data;
}

test('yolov3: sigmoid centre in its cell, exponential size, objectness times class', () => {
  const fields = [logit(0.25), logit(0.75), Math.log(2), Math.log(0.5), logit(0.8), logit(0.5), logit(0.1)];
  const anchors = [[10, 20] as const, [30, 40] as const];
  const { boxes, scores, classes } = heads.yolov3([output([1, 14, 2, 2], map(fields, 1))], {
    height: 64,
    width: 64,
    anchors,
  });
  expect(classes).toBe(2);
  // Stride 32: centre (0.25 · 32, 1.75 · 32) = (8, 56), size (60, 20); anchor 1, cell 2.
  const at = 1 * 4 + 2;
  expect(rounded(boxes.slice(4 * at, 4 * at + 4))).toEqual([-22, 46, 38, 66]);
  expect(rounded(scores.slice(2 * at, 2 * at + 2))).toEqual([0.4, 0.08]);
});

test('yolov3: a transposed map and maps in another order give the same candidates', () => {
  const [fine, coarse] = [
    Float32Array.from({ length: 3 * 6 * 16 }, (_, i) => Math.sin(i)),
    Float32Array.from({ length: 3 * 6 * 4 }, (_, i) => Math.cos(i)),
  ];
  const transposed = new Float32Array(fine.length);
  for (let c = 0; c < 18; c++) for (let i = 0; i < 16; i++) transposed[i * 18 + c] = fine[c * 16 + i]!;
  const anchors = [1, 2, 3, 4, 5, 6].map((size) => [size * 8, size * 8] as const);
  const size = { height: 64, width: 64, anchors };
  const expected = heads.yolov3([output([1, 18, 4, 4], fine), output([1, 18, 2, 2], coarse)], size);
  expect(heads.yolov3([output([1, 18, 2, 2], coarse), output([1, 4, 4, 18], transposed)], size)).toEqual(expected);
});

test('yolov5: decoded rows, and raw maps by its own formula', () => {
  const rows = heads.yolov5([output([1, 1, 7], [10, 20, 4, 6, 0.5, 0.5, 1])], { height: 64, width: 64 });
  expect([...rows.boxes]).toEqual([8, 17, 12, 23]);
  expect([...rows.scores]).toEqual([0.25, 0.5]);
  const fields = [logit(0.25), logit(0.75), logit(0.5), logit(0.25), logit(0.8), logit(0.5), logit(0.1)];
  const anchors = [[10, 20] as const, [30, 40] as const];
  const { boxes } = heads.yolov5([output([1, 14, 2, 2], map(fields, 0))], { height: 64, width: 64, anchors });
  // Centre ((0.5 − 0.5 + 0) · 32, (1.5 − 0.5 + 1) · 32) = (0, 64), size (1 · 10, 0.25 · 20).
  expect(rounded(boxes.slice(8, 12))).toEqual([-5, 61.5, 5, 66.5]);
});

test('yolov8: numbers of a box lie apart', () => {
  const { boxes, scores } = heads.yolov8([output([1, 6, 2], [10, 1, 20, 2, 4, 2, 6, 2, 0.1, 0.2, 0.3, 0.4])], {
    height: 64,
    width: 64,
  });
  expect([...boxes]).toEqual([8, 17, 12, 23, 0, 1, 2, 3]);
  expect(rounded(scores)).toEqual([0.1, 0.3, 0.2, 0.4]);
});

test('outputs of another layout are refused with what was found', () => {
  const wrong = [output([1, 10], new Float32Array(10))];
  for (const head of Object.values(heads)) {
    expect(() => head(wrong, { height: 64, width: 64 })).toThrow(
      expect.objectContaining({ code: 'evaluate.head', found: 'out [1,10]' }),
    );
  }
});
