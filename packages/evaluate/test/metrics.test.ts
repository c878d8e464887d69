import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  editDistance,
  intersectionOverUnion,
  largestScores,
  psnr,
  rankOf,
  readGreedily,
  selectDetections,
  TopKCounter,
} from '../src/index.ts';

test('ranks: the first of equals wins, as argmax has it', () => {
  expect([0, 1, 2, 3].map((label) => rankOf([0.5, 0.7, 0.5, 0.1], label))).toEqual([1, 0, 2, 3]);
  expect(largestScores([0.5, 0.7, 0.5, 0.1], 3).map(({ index }) => index)).toEqual([1, 0, 2]);
});

test('top-1 and top-5 are fractions of the samples', () => {
  const counter = new TopKCounter();
  const scores = [9, 8, 7, 6, 5, 4];
  for (const label of [0, 0, 4, 5]) counter.add(scores, label);
  expect(counter.result()).toEqual({ top1: 0.5, top5: 0.75 });
});

test('PSNR: one step of 255 is 48.13 dB, equal pictures are infinitely alike', () => {
  expect(psnr([0, 0, 0], [1, 1, 1], 255)).toBeCloseTo(48.1308, 4);
  expect(psnr([0.5, 0.25], [0.5, 0.25], 1)).toBe(Number.POSITIVE_INFINITY);
  // MSE 0.01, peak 1: 20 dB.
  expect(psnr([0.1, 0.1], [0, 0.2], 1)).toBeCloseTo(20, 10);
});

test('greedy reading merges repeats and keeps doubles with a blank between them', () => {
  const steps = [1, 1, 0, 1, 2, 2, 0, 0, 3];
  const scores = steps.flatMap((symbol) => [0, 1, 2, 3].map((index) => (index === symbol ? 1 : 0)));
  expect(readGreedily(scores, 4, 0)).toEqual([1, 1, 2, 3]);
});

test('edit distance: known values, symmetric, triangle', () => {
  expect(editDistance('kitten', 'sitting')).toBe(3);
  expect(editDistance('', 'abc')).toBe(3);
  const word = fc.string({ maxLength: 6 });
  fc.assert(
    fc.property(word, word, word, (a, b, c) => {
      expect(editDistance(a, b)).toBe(editDistance(b, a));
      expect(editDistance(a, c)).toBeLessThanOrEqual(editDistance(a, b) + editDistance(b, c));
    }),
  );
});

test('overlap of boxes', () => {
  const box = (x0: number, y0: number, x1: number, y1: number) => ({ x0, y0, x1, y1 });
  expect(intersectionOverUnion(box(0, 0, 2, 2), box(1, 1, 3, 3))).toBeCloseTo(1 / 7, 12);
  expect(intersectionOverUnion(box(0, 0, 2, 2), box(2, 0, 4, 2))).toBe(0);
});

test('suppression: within a class only, the better box stays, the threshold is exclusive', () => {
  const candidates = {
    classes: 2,
    boxes: Float32Array.of(0, 0, 10, 10, 0, 0, 10, 5, 0, 0, 10, 6, 50, 50, 60, 60),
    scores: Float32Array.of(0.9, 0.3, 0.8, 0, 0.7, 0, 0.2, 0.6),
  };
  const select = (isMultiLabel: boolean) =>
    selectDetections(candidates, { scoreThreshold: 0.25, iouThreshold: 0.5, maxDetections: 9, isMultiLabel }).map(
      ({ score, category }) => [Math.round(score * 10) / 10, category],
    );
  // The second box overlaps the first by exactly 0.5 and stays; the third overlaps both by more.
  expect(select(true)).toEqual([
    [0.9, 0],
    [0.8, 0],
    [0.6, 1],
    [0.3, 1],
  ]);
  expect(select(false)).toEqual([
    [0.9, 0],
    [0.8, 0],
    [0.6, 1],
  ]);
});
