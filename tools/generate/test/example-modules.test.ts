import { expect, test } from 'vitest';
// @ts-expect-error plain JavaScript
import * as agreement from '../../../docs/metrics/float-detections.mjs';
// @ts-expect-error plain JavaScript
import { PostProcess } from '../../../docs/post-process/detections.mjs';

/** Rows of x, y, w, h, object and two classes. */
const rows = (...list: readonly (readonly number[])[]) => ({
  detections: { data: Float32Array.from(list.flat()), shape: [1, list.length, 7] },
});
const dog = [30, 40, 20, 20, 1, 0.9, 0];
const cat = [90, 90, 32, 16, 1, 0, 0.8];
// Fewer boxes than fields would be columns.
const nothing = Array.from({ length: 8 }, () => [0, 0, 1, 1, 0, 0, 0]);

test('detections are taken apart into scores, centres and sizes, alike for rows and columns', () => {
  const { scores, centres, sizes } = PostProcess(rows(dog, cat, ...nothing));
  expect([...scores.slice(0, 4)].map((score: number) => score.toFixed(2))).toEqual(['0.90', '0.00', '0.00', '0.80']);
  // As long as the best score, wherever the centre lies.
  expect(Math.hypot(centres[0], centres[1])).toBeCloseTo(0.9, 6);
  expect(Math.hypot(centres[4], centres[5])).toBeCloseTo(0.8, 6);
  expect([sizes[2], sizes[3]].map((size: number) => size / 0.8)).toEqual([0, expect.closeTo(Math.log(0.5), 6)]);
  const columns = [dog, cat, ...nothing].map(([x, y, w, h, , ...classes]) => [x!, y!, w!, h!, ...classes]);
  const data = Float32Array.from({ length: 60 }, (_, i) => columns[i % 10]![Math.floor(i / 10)]!);
  expect(PostProcess({ detections: { data, shape: [1, 6, 10] } })).toEqual({ scores, centres, sizes });
});

test('detections are as good as they agree with those of the float network', () => {
  const agreementWith = (quantized: object): number =>
    agreement.summarize([agreement.metric(rows(dog, cat, ...nothing), quantized)]);
  expect(agreementWith(rows(dog, cat, ...nothing))).toBe(1);
  expect(agreementWith(rows(dog, ...nothing))).toBe(0.5);
  // Two thirds of the box: right at the overlaps .50, .55, .60 and .65.
  const shifted = [34, ...dog.slice(1)];
  expect(agreementWith(rows(shifted, cat, ...nothing))).toBeCloseTo((4 / 10 + 1) / 2, 9);
  // A better wrong one of the class in front halves the precision.
  const wrong = [100, 20, 20, 20, 1, 0.95, 0];
  expect(agreementWith(rows(wrong, dog, cat, ...nothing))).toBeCloseTo((0.5 + 1) / 2, 9);
});
