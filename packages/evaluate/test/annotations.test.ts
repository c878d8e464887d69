import { expect, test } from 'vitest';
import { readCocoAnnotations } from '../src/index.ts';

const sound = {
  images: [{ id: 7, file_name: 'a.jpg', width: 20, height: 10 }],
  categories: [
    { id: 9, name: 'nine' },
    { id: 2, name: 'two' },
  ],
  annotations: [{ image_id: 7, category_id: 9, bbox: [1, 2, 3, 4], area: 5, iscrowd: 1 }],
};

test('categories are numbered by rising id, boxes become corners', () => {
  expect(readCocoAnnotations(JSON.stringify(sound), 'x.json')).toEqual({
    categories: ['two', 'nine'],
    images: [
      {
        file: 'a.jpg',
        width: 20,
        height: 10,
        truths: [{ x0: 1, y0: 2, x1: 4, y1: 6, category: 1, area: 5, isCrowd: true }],
      },
    ],
  });
});

test('every bad entry is named at once', () => {
  const bad = {
    ...sound,
    images: [...sound.images, { id: 'x' }],
    annotations: [
      ...sound.annotations,
      { image_id: 8, category_id: 9, bbox: [1, 2, 3, 4] },
      { image_id: 7, category_id: 1, bbox: [1] },
    ],
  };
  let error: unknown;
  try {
    readCocoAnnotations(JSON.stringify(bad), 'x.json');
  } catch (thrown) {
    error = thrown;
  }
  expect(error).toMatchObject({ code: 'evaluate.annotations' });
  const { issues } = error as { issues: { where: string }[] };
  expect(issues.map(({ where }) => where)).toEqual([
    'x.json, images[1]',
    'x.json, annotations[1]',
    'x.json, annotations[2]',
  ]);
});

test.each(['', 'nonsense', '[]', '{}', '{"images":[]}'])('refuses %j', (text) => {
  expect(() => readCocoAnnotations(text, 'x.json')).toThrow(/x\.json cannot be read as annotations/);
});
