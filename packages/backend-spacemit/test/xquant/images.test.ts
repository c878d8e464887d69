import { describe, expect, test } from 'vitest';
import { parseConfig } from '../../src/xquant/config/parse-config.ts';
import { imageToTensor } from '../../src/xquant/data/preprocess.ts';
import { resizeAntialias } from '../../src/xquant/data/resize-antialias.ts';
import { resizeArea } from '../../src/xquant/data/resize-area.ts';

const image = (width: number, height: number) => ({
  width,
  height,
  channels: 3 as const,
  data: Uint8Array.from({ length: width * height * 3 }, (_, i) => (i * 37 + (i >> 3) * 11) & 255),
});
const numbers = (text: string) => text.split(' ').map(Number);

/** cv2.resize(…, INTER_AREA) of OpenCV 5.0.0. */
const AREA = [
  [
    37,
    23,
    4,
    3,
    '129 127 125 124 132 130 131 124 136 131 127 126 133 129 121 126 129 126 126 130 127 128 120 134 123 129 125 132 123 127 124 129 127 131 128 131',
  ],
  [
    8,
    6,
    4,
    3,
    '68 105 142 168 77 119 139 182 91 116 153 126 118 155 128 90 127 169 125 104 141 166 75 112 168 141 114 140 113 91 111 154 127 88 125 162',
  ],
  [
    9,
    9,
    3,
    3,
    '123 74 115 125 138 118 132 169 150 72 113 150 136 116 154 167 148 74 111 148 129 114 152 163 174 72 109',
  ],
  [
    3,
    2,
    5,
    4,
    '0 37 74 37 74 111 111 148 185 185 51 96 222 3 51 0 37 74 37 74 111 111 148 185 185 51 96 222 3 51 88 125 162 125 162 114 199 236 17 102 147 98 54 102 139 88 125 162 125 162 114 199 236 17 102 147 98 54 102 139',
  ],
  [
    5,
    4,
    3,
    6,
    '44 81 118 200 32 78 155 192 75 73 114 151 130 65 106 110 147 107 103 146 183 60 97 134 66 103 140 168 102 146 125 111 148 127 168 103 149 135 98 132 143 180 108 147 135 130 167 51 139 176 213 89 126 168',
  ],
] as const;

/** Image.resize(…, BILINEAR) of Pillow 13.0.0. */
const ANTIALIAS = [
  [
    37,
    23,
    4,
    3,
    '130 127 124 125 133 129 130 125 134 130 127 129 132 128 122 126 128 125 125 129 129 128 121 133 126 128 126 130 125 126 126 129 126 131 127 130',
  ],
  [
    3,
    2,
    5,
    4,
    '0 37 74 44 81 118 111 148 185 178 61 105 222 3 51 22 59 96 66 103 115 133 170 143 162 85 101 180 28 73 66 103 140 110 147 108 177 214 59 129 132 94 96 77 117 88 125 162 132 169 104 199 236 17 112 156 90 54 102 139',
  ],
] as const;

describe('resizing, pixel for pixel', () => {
  test.each(AREA)('area: %ix%i to %ix%i as OpenCV', (w, h, width, height, expected) => {
    expect([...resizeArea(image(w, h), width, height).data]).toEqual(numbers(expected));
  });
  test.each(ANTIALIAS)('antialiased: %ix%i to %ix%i as Pillow', (w, h, width, height, expected) => {
    expect([...resizeAntialias(image(w, h), width, height).data]).toEqual(numbers(expected));
  });
});

describe('recipes', () => {
  const itemOf = (fields: object) =>
    parseConfig({ calibration_parameters: { input_parametres: [fields] } }).calibration.inputs![0]!;
  const tensor = (fields: object, height: number, width: number, channels = 3) =>
    imageToTensor(image(37, 23), { item: itemOf(fields), channels, height, width });

  test('without preset: stretched, (x − mean) / std, planes in BGR or RGB', () => {
    const small = resizeArea(image(37, 23), 4, 3).data;
    const bgr = tensor({ mean_value: [10, 20, 30], std_value: [2, 4, 8] }, 3, 4);
    const rgb = tensor({ color_format: 'rgb', mean_value: [10, 20, 30], std_value: [2, 4, 8] }, 3, 4);
    expect([bgr[0], bgr[12], bgr[24]]).toEqual([(small[0]! - 10) / 2, (small[1]! - 20) / 4, (small[2]! - 30) / 8]);
    expect([rgb[0], rgb[12], rgb[24]]).toEqual([(small[2]! - 10) / 2, (small[1]! - 20) / 4, (small[0]! - 30) / 8]);
    const [b, g, r] = small as unknown as [number, number, number];
    expect(tensor({}, 3, 4, 1)[0]).toBe(Math.round(0.114 * b + 0.587 * g + 0.299 * r));
  });

  test('IMAGENET: 8/7 of the target by the shorter side, area, centre crop', () => {
    // Target 14: 16 high, so 37·16/23 = 25 wide; the crop starts at (5, 1).
    const resized = resizeArea(image(37, 23), 25, 16).data;
    const found = tensor({ preprocess_file: 'IMAGENET' }, 14, 14);
    expect(found).toHaveLength(3 * 14 * 14);
    expect(found[0]).toBe(resized[(1 * 25 + 5) * 3]);
    expect(found[13]).toBe(resized[(1 * 25 + 18) * 3]);
  });

  test('PT_IMAGENET: the shorter side antialiased, in 0–255 units; means are required', () => {
    const resized = resizeAntialias(image(37, 23), 25, 16).data;
    const fields = { preprocess_file: 'PT_IMAGENET', color_format: 'rgb', mean_value: [1, 2, 3], std_value: [2, 2, 2] };
    expect(tensor(fields, 14, 14)[0]).toBe((resized[(1 * 25 + 5) * 3 + 2]! - 1) / 2);
    expect(() => tensor({ preprocess_file: 'PT_IMAGENET' }, 14, 14)).toThrow(/mean_value does not fit/);
    expect(() => tensor({ mean_value: [1, 2] }, 14, 14)).toThrow(/mean_value does not fit/);
  });
});
