import { createHash } from 'node:crypto';
import type { OpOf } from '@q/ir';
import { describe, expect, test } from 'vitest';
import {
  interpolations,
  preprocessImage,
  preprocessSettings,
  resizeArea,
  resizePillowBicubic,
  resizePillowBilinear,
} from '../src/index.ts';

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
const BILINEAR = [
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

/** Image.resize(…, BICUBIC) of Pillow 10.0.0. */
const BICUBIC = [
  [
    37,
    23,
    4,
    3,
    '131 126 124 124 134 130 131 124 135 130 127 129 133 128 121 126 128 124 124 130 129 127 120 134 125 128 126 130 124 126 125 129 126 131 128 130',
  ],
  [
    3,
    2,
    5,
    4,
    '0 21 57 25 74 120 103 140 200 195 51 104 247 0 32 17 47 88 55 100 116 129 166 150 172 79 100 191 19 63 63 99 151 112 152 109 181 218 52 126 134 93 82 73 126 87 125 182 142 178 105 207 244 2 103 162 89 26 100 157',
  ],
] as const;

/** The start of the SHA-256 of what OpenCV 4.8.0 (area) and Pillow 10.0.0 (bilinear, bicubic) make of the same picture. */
const FINGERPRINTS = [
  ['37x23', '4x3', '5ddcf8c945566cf5', '5bee3e437aea2ba9', '51f73ec89b1882ef'],
  ['8x6', '4x3', '90c2b0d489efb311', 'eb9e3af80a640221', 'e60c2bff38ebe619'],
  ['9x9', '3x3', '52eabd665670973c', 'f7b28d9ade3eb28e', '8dcec3742bb6e473'],
  ['3x2', '5x4', 'f26f3a1d6039b2dc', '97649d82b9ed044f', '71de7c93465d9526'],
  ['5x4', '3x6', '3ccea44ae3b9b57d', '20d9270a71bf206a', 'b563075025de47d9'],
  ['320x214', '416x278', '79930b2d050ae9f9', 'a155b0688149202e', 'f46094371dc0ebb9'],
  ['500x375', '352x352', 'da41a6959593ba6f', 'e61787de9c3e1faf', '04b4bef35b9f3832'],
  ['640x480', '320x320', '3e7a3b153e56905d', '6b39ab58b5ecd2c9', '917b99d12f12027c'],
  ['640x427', '320x213', 'cf8a73084accd5ca', '59fc7830b01b0117', '94233d84062c766d'],
  ['333x500', '224x224', '1eabd880f2d3ec80', '7860981f3a6712e8', 'dc16c09da4a95cc9'],
  ['100x100', '50x25', '696bd2a71b8d614c', '013b33b053b5529b', '9e067a2efb72fdea'],
  ['64x48', '32x24', 'e330b7f4ca8e9ef1', '2121802423aa84b1', '2ead7aeeb16fea94'],
  ['7x5', '64x64', '5675f7571a88c3ea', '90ec4af80a5be702', '8bf5abd29747efd3'],
  ['1x1', '3x2', '436a33396da2e751', '436a33396da2e751', '436a33396da2e751'],
  ['640x480', '160x120', '4e4a7926b51bd187', '573138f54cd7839b', '29f7bc78f6c46d27'],
  ['236x85', '96x194', '02d34f03e6da9d01', 'ba42d74703c84932', 'c1b71b1ba693943d'],
  ['182x198', '156x279', 'c0a1b12910f06413', '4a0f14b7c0cd0bf9', '868e44b3d909e3a8'],
] as const;

const fingerprint = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex').slice(0, 16);
const sizeOf = (text: string) => text.split('x').map(Number) as [number, number];

describe('resizing, byte for byte', () => {
  test.each(AREA)('area: %ix%i to %ix%i as OpenCV', (w, h, width, height, expected) => {
    expect([...resizeArea(image(w, h), width, height).data]).toEqual(numbers(expected));
  });
  test.each(BILINEAR)('bilinear: %ix%i to %ix%i as Pillow', (w, h, width, height, expected) => {
    expect([...resizePillowBilinear(image(w, h), width, height).data]).toEqual(numbers(expected));
  });
  test.each(BICUBIC)('bicubic: %ix%i to %ix%i as Pillow', (w, h, width, height, expected) => {
    expect([...resizePillowBicubic(image(w, h), width, height).data]).toEqual(numbers(expected));
  });
  test.each(FINGERPRINTS)('%s to %s', (from, to, area, bilinear, bicubic) => {
    const given = image(...sizeOf(from));
    expect(fingerprint(resizeArea(given, ...sizeOf(to)).data), 'area').toBe(area);
    expect(fingerprint(resizePillowBilinear(given, ...sizeOf(to)).data), 'bilinear').toBe(bilinear);
    expect(fingerprint(resizePillowBicubic(given, ...sizeOf(to)).data), 'bicubic').toBe(bicubic);
  });
});

test('preprocessing takes the interpolation it is told: a letterbox on 128, as the sample of yolov3', () => {
  const input = {
    name: 'in',
    attributes: { doPreprocess: true, pixelFormat: 'bgr', keepAspectRatio: true, padValue: 128 },
  } as OpOf<'top.Input'>;
  const type = { dtype: 'f32', shape: [1, 3, 8, 8] } as const;
  const given = image(12, 6);
  for (const [name, resize] of Object.entries(interpolations)) {
    const settings = preprocessSettings(input, type, name as keyof typeof interpolations);
    const found = preprocessImage(given, settings, 'image');
    const fitted = resize(given, 8, 4).data;
    for (let i = 0; i < 64; i++) {
      const [x, y] = [i % 8, (i >> 3) - 2];
      expect(found[i], `${name} at ${i}`).toBe(y < 0 || y > 3 ? 128 : fitted[(y * 8 + x) * 3]);
    }
  }
  expect(preprocessSettings(input, type).interpolation).toBe('linear');
});
