import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { averagePrecision, type Detection, readCocoAnnotations, type Truth } from '../src/index.ts';

const box = (x: number, y: number, size: number) => ({ x0: x, y0: y, x1: x + size, y1: y + size });
const truth = (x: number, y: number, size: number, category = 0): Truth => ({ ...box(x, y, size), category });
const detection = (x: number, y: number, size: number, score: number, category = 0): Detection => ({
  ...box(x, y, size),
  score,
  category,
});

test('one object found exactly is 1, nothing found is 0, nothing to find is no number', () => {
  const found = averagePrecision([{ truths: [truth(10, 10, 50)], detections: [detection(10, 10, 50, 0.9)] }]);
  expect(found).toEqual({ ap: 1, ap50: 1, ap75: 1, apSmall: Number.NaN, apMedium: 1, apLarge: Number.NaN });
  expect(averagePrecision([{ truths: [truth(10, 10, 50)], detections: [] }]).ap).toBe(0);
  expect(averagePrecision([{ truths: [], detections: [detection(0, 0, 5, 1)] }]).ap).toBeNaN();
});

test('a wrong box above the right one halves precision; below it costs nothing', () => {
  const truths = [truth(0, 0, 100)];
  const right = (score: number): Detection => detection(0, 0, 100, score);
  const wrong = detection(300, 300, 50, 0.5);
  expect(averagePrecision([{ truths, detections: [right(0.9), wrong] }]).ap).toBe(1);
  expect(averagePrecision([{ truths, detections: [right(0.4), wrong] }]).ap).toBeCloseTo(0.5, 12);
});

test('an overlap of 0.6 counts at .50, .55 and .60 only', () => {
  // 100 of 60 pixels' width are shared: IoU = 0.6.
  const truths: Truth[] = [{ x0: 0, y0: 0, x1: 100, y1: 100, category: 0 }];
  const detections: Detection[] = [{ x0: 0, y0: 0, x1: 60, y1: 100, score: 1, category: 0 }];
  const { ap, ap50, ap75 } = averagePrecision([{ truths, detections }]);
  expect([ap50, ap75]).toEqual([1, 0]);
  expect(ap).toBeCloseTo(0.3, 12);
});

test('half of the objects found: precision 1 up to recall .5, which 51 of 101 recall points reach', () => {
  const truths = [truth(0, 0, 100), truth(200, 0, 100)];
  const { ap } = averagePrecision([{ truths, detections: [detection(0, 0, 100, 0.9)] }]);
  expect(ap).toBeCloseTo(51 / 101, 12);
});

test('a second box on the same object is wrong, classes are averaged, images share one ranking', () => {
  const twice = [detection(0, 0, 100, 0.9), detection(1, 1, 100, 0.8)];
  const images = [
    { truths: [truth(0, 0, 100), truth(0, 0, 100, 1)], detections: twice },
    { truths: [truth(0, 0, 100)], detections: [detection(0, 0, 100, 0.7)] },
  ];
  // Class 0: right, wrong, right of two objects: 1 up to recall .5, then 2/3. Class 1: never found.
  const ofClass0 = (51 + 50 * (2 / 3)) / 101;
  expect(averagePrecision(images).ap50).toBeCloseTo(ofClass0 / 2, 12);
});

test('detections in a crowd are neither right nor wrong, however many', () => {
  const crowd: Truth = { ...truth(0, 0, 200), isCrowd: true };
  const detections = [detection(10, 10, 30, 0.9), detection(60, 60, 30, 0.8), detection(400, 0, 50, 0.5)];
  expect(averagePrecision([{ truths: [crowd, truth(400, 0, 50)], detections }]).ap).toBe(1);
});

test('agrees with pycocotools on a random case: ties, crowds, areas that are not the boxes’, three classes', () => {
  const recorded = JSON.parse(readFileSync(new URL('coco-case.json', import.meta.url), 'utf8')) as {
    annotations: unknown;
    detections: [image: number, category: number, x: number, y: number, w: number, h: number, score: number][];
    figures: number[];
  };
  const { images } = readCocoAnnotations(JSON.stringify(recorded.annotations), 'coco-case.json');
  const rows = images.map(({ truths }, index) => ({
    truths,
    detections: recorded.detections
      .filter(([image]) => image === index)
      .map(([, category, x, y, w, h, score]) => ({
        x0: x,
        y0: y,
        x1: x + w,
        y1: y + h,
        score,
        category: category - 1,
      })),
  }));
  const { ap, ap50, ap75, apSmall, apMedium, apLarge } = averagePrecision(rows);
  [ap, ap50, ap75, apSmall, apMedium, apLarge].forEach((figure, index) => {
    expect(figure, `figure ${index}`).toBeCloseTo(recorded.figures[index]!, 9);
  });
});
