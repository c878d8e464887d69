import { describe, expect, it } from 'vitest';
import { parseDataList, SAMPLE_SEED, selectFiles, shuffleLikePython } from '../src/index.ts';
import { MersenneTwister } from '../src/selection/mersenne-twister.ts';
import { commonKind } from '../src/selection/sample-kind.ts';

const range = (n: number) => Array.from({ length: n }, (_, i) => i);

describe('sample selection (calibration.md 3.1)', () => {
  it('draws the numbers of Python', () => {
    const random = new MersenneTwister(1684);
    expect(range(5).map(() => random.nextUint32())).toEqual([2067858712, 61194221, 2215618579, 1121718815, 1328524030]);
  });

  it('keeps drawing them past the first block of 624', () => {
    const random = new MersenneTwister(1684);
    const drawn = range(2000).map(() => random.nextUint32());
    // random.seed(1684); [random.getrandbits(32) for _ in range(2000)][-1]
    expect(drawn.at(-1)).toBe(22233977);
  });

  it('shuffles as Python does', () => {
    expect(shuffleLikePython(range(5), SAMPLE_SEED)).toEqual([4, 1, 2, 0, 3]);
    expect(shuffleLikePython(range(10), SAMPLE_SEED)).toEqual([1, 8, 9, 6, 5, 3, 2, 4, 0, 7]);
    expect(shuffleLikePython(range(20), SAMPLE_SEED).join(' ')).toBe(
      '1 5 2 3 14 18 13 4 12 11 17 19 10 7 6 9 8 16 0 15',
    );
  });

  it('takes samples of any case below any folder, sorted by code point before the shuffle', () => {
    const paths = ['b/Z.JPEG', 'a/x.png', '\u{1F600}.npy', '\uFF5E.npy', 'notes.txt', 'c', 'a.b/y.Bmp'];
    const sorted = ['a.b/y.Bmp', 'a/x.png', 'b/Z.JPEG', '\uFF5E.npy', '\u{1F600}.npy'];
    expect(selectFiles(paths, 0, 'd')).toEqual([4, 1, 2, 0, 3].map((i) => sorted[i]));
    expect(selectFiles(paths, 2, 'd')).toEqual(selectFiles(paths, 0, 'd').slice(0, 2));
    expect(selectFiles(paths, 99, 'd')).toHaveLength(5);
  });

  it('refuses a folder without samples and a mixture', () => {
    expect(() => selectFiles(['readme.md'], 0, 'empty/')).toThrow(
      expect.objectContaining({ code: 'dataset.empty', where: 'empty/' }),
    );
    expect(() => commonKind(['a.png', 'b.npy'], 'd')).toThrow(
      expect.objectContaining({ code: 'dataset.mixed-kinds', found: 'image (a.png), npy (b.npy)' }),
    );
  });
});

describe('data lists (calibration.md 3.2)', () => {
  it('keeps the order, trims, and splits entries of several inputs', () => {
    expect(parseDataList(' b.JPG \na.png\r\n', 0, 'l')).toEqual([['b.JPG'], ['a.png']]);
    expect(parseDataList('a.npy, b.npy\nc.npy,d.npy', 1, 'l')).toEqual([['a.npy', 'b.npy']]);
  });

  it('reports every bad line', () => {
    expect(() => parseDataList('a.npy\n\nc.txt\n', 0, 'l')).toThrow(
      expect.objectContaining({
        issues: [expect.objectContaining({ where: 'l:2' }), expect.objectContaining({ where: 'l:3', found: 'c.txt' })],
      }),
    );
    expect(() => parseDataList('\n', 0, 'l')).toThrow(expect.objectContaining({ code: 'dataset.empty' }));
  });
});
