import { readdirSync, readFileSync } from 'node:fs';
import { isQError, readNpz, type Tensor } from '@q/ir';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeImage, type PixelMode, resizeBilinear } from '../src/index.ts';

// The fixtures and what OpenCV 4.8.0 reads from them and resizes (imread IMREAD_COLOR / IMREAD_GRAYSCALE, resize).
const folder = new URL('./fixtures/', import.meta.url);
const read = (name: string) => new Uint8Array(readFileSync(new URL(name, folder)));
const opencv: ReadonlyMap<string, Tensor> = readNpz(read('opencv-4.8.0.npz'));
const files = [...new Set([...opencv.keys()].map((key) => key.split(':')[0]!))].filter((name) => name !== 'resize');

describe('decodeImage equals OpenCV', () => {
  it('has fixtures', () => expect(files.length).toBeGreaterThan(15));

  for (const file of files) {
    for (const mode of ['bgr', 'gray'] as const) {
      it(`${file} as ${mode}`, async () => {
        const expected = opencv.get(`${file}:${mode}`)!;
        const image = await decodeImage(read(file), mode, file);
        expect([image.height, image.width]).toEqual(expected.shape.slice(0, 2));
        expect(image.channels).toBe(mode === 'bgr' ? 3 : 1);
        expect(firstDifference(image.data, expected.data as Uint8Array)).toBe(-1);
      });
    }
  }

  it('keeps alpha in rgba mode and gives opaque pixels where there is none', async () => {
    const withAlpha = await decodeImage(read('rgba.png'), 'rgba', 'rgba.png');
    const bgr = opencv.get('rgba.png:bgr')!.data as Uint8Array;
    expect(withAlpha.data.slice(0, 3)).toEqual(bgr.slice(0, 3).reverse());
    expect(new Set(withAlpha.data.filter((_, i) => i % 4 === 3)).size).toBeGreaterThan(50);
    const opaque = await decodeImage(read('420.jpg'), 'rgba', '420.jpg');
    expect(opaque.data.filter((_, i) => i % 4 === 3).every((alpha) => alpha === 255)).toBe(true);
  });
});

describe('resizeBilinear', () => {
  it('gives the numbers of the specification', () => {
    const row = { width: 5, height: 1, channels: 1, data: Uint8Array.of(0, 100, 255, 30, 7) } as const;
    expect([...resizeBilinear(row, 8, 1).data]).toEqual([0, 44, 110, 207, 185, 44, 17, 7]);
    expect([...resizeBilinear(row, 3, 1).data]).toEqual([33, 255, 15]);
    const two = { width: 3, height: 2, channels: 1, data: Uint8Array.of(0, 100, 255, 200, 50, 10) } as const;
    expect([...resizeBilinear(two, 4, 5).data]).toEqual(
      [
        [0, 62, 158, 255],
        [20, 67, 146, 230],
        [100, 84, 97, 133],
        [180, 102, 47, 34],
        [200, 106, 35, 10],
      ].flat(),
    );
  });

  const source = opencv.get('resize:source')!;
  for (const [key, expected] of opencv) {
    const size = /^resize:(\d+)x(\d+)$/.exec(key);
    if (size === null) continue;
    it(`equals OpenCV at ${size[1]}x${size[2]}`, () => {
      const image = {
        width: source.shape[1]!,
        height: source.shape[0]!,
        channels: 3,
        data: source.data as Uint8Array,
      } as const;
      const resized = resizeBilinear(image, Number(size[1]), Number(size[2]));
      expect(firstDifference(resized.data, expected.data as Uint8Array)).toBe(-1);
    });
  }
});

describe('unreadable images', () => {
  const bad: [name: string, bytes: Uint8Array, reason: RegExp][] = [
    ['empty.jpg', new Uint8Array(), /empty/],
    ['text.png', new TextEncoder().encode('hello, world'), /neither a JPEG/],
    ['cmyk.jpg', read('cmyk.jpg'), /CMYK/],
    ['cut-header.jpg', read('420.jpg').slice(0, 200), /truncated/],
    ['cut-data.jpg', read('420.jpg').slice(0, 900), /truncated/],
    ['cut.png', read('rgb.png').slice(0, 1000), /truncated/],
    ['cut.bmp', read('24.bmp').slice(0, 1000), /truncated/],
  ];
  for (const [name, bytes, reason] of bad) {
    it(`${name} is refused by name`, async () => {
      await expect(decodeImage(bytes, 'bgr', name)).rejects.toMatchObject({
        code: 'dataset.image',
        where: name,
        found: reason,
      });
      // The codec still works afterwards.
      expect((await decodeImage(read('420.jpg'), 'bgr', 'again')).width).toBe(43);
    });
  }

  it('damaged files give an image or a coded error, never anything else', async () => {
    const names = readdirSync(folder).filter((name) => /\.(jpg|png|bmp)$/.test(name));
    const mutation = fc.record({
      name: fc.constantFrom(...names),
      mode: fc.constantFrom<PixelMode>('bgr', 'gray', 'rgba'),
      at: fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
      byte: fc.integer({ min: 0, max: 255 }),
      cut: fc.boolean(),
    });
    await fc.assert(
      fc.asyncProperty(mutation, async ({ name, mode, at, byte, cut }) => {
        const bytes = read(name);
        const position = Math.floor(at * (cut ? bytes.length : Math.min(bytes.length, 400)));
        const damaged = cut ? bytes.slice(0, position) : bytes.with(position, byte);
        const outcome = await decodeImage(damaged, mode, name).catch((error: unknown) => error);
        if (outcome instanceof Error) expect(isQError(outcome) && outcome.code).toBe('dataset.image');
      }),
      { numRuns: 300 },
    );
  });
});

function firstDifference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  if (a.length !== b.length) return Math.min(a.length, b.length);
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return i;
  return -1;
}
