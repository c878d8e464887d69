import { readFileSync } from 'node:fs';
import { f32Tensor, writeNpy, writeNpz, writeZip } from '@q/ir';
import { describe, expect, it } from 'vitest';
import { memorySource, openDataset, zipSource } from '../src/index.ts';
import { letterbox, shortSide } from '../src/preprocess/fit.ts';
import { inputGraph } from './input-graph.ts';

const fixture = (name: string) => new Uint8Array(readFileSync(new URL(`./fixtures/${name}`, import.meta.url)));
const npy = (values: readonly number[], shape: readonly number[]) => writeNpy(f32Tensor(values, shape));
const npz = (arrays: Record<string, readonly [readonly number[], readonly number[]]>) =>
  writeNpz(new Map(Object.entries(arrays).map(([name, [values, shape]]) => [name, f32Tensor(values, shape)])));
const source = (files: Record<string, Uint8Array>) => memorySource(new Map(Object.entries(files)));

describe('image samples', () => {
  const graph = (batch: number) =>
    inputGraph({
      x: { shape: [batch, 3, 4, 6], attributes: { pixelFormat: 'rgb', mean: [1, 2, 3], scale: [0.5, 1, 2] } },
    });

  it('reads a zip like a folder and fills the last batch with the last image', async () => {
    const archive = writeZip(
      ['a/24.bmp', 'a/rgb.png', '32.bmp'].map((name) => [name, fixture(name.replace('a/', ''))] as const),
    );
    const dataset = await openDataset({ source: zipSource(archive), graph: graph(2), inputNum: 3 });
    expect(dataset.kind).toBe('image');
    expect(dataset.length).toBe(2);
    const files = [dataset.files(0), dataset.files(1)].flat();
    expect(files[3]).toBe(files[2]);
    expect(new Set(files)).toEqual(new Set(['a/24.bmp', 'a/rgb.png', '32.bmp']));
    const values = (await dataset.sample(1)).get('x')!;
    expect(values).toHaveLength(2 * 3 * 4 * 6);
    // The three files show the same picture.
    expect(values.slice(0, 72)).toEqual(values.slice(72));
    expect((await dataset.sample(0)).get('x')!.slice(0, 72)).toEqual(values.slice(0, 72));
  });

  it('gives nhwc the same numbers in the other order', async () => {
    const files = source({ 'a.bmp': fixture('24.bmp') });
    const attributes = { pixelFormat: 'rgb', mean: [1, 2, 3], scale: [0.5, 1, 2] };
    const planar = await (await openDataset({ source: files, graph: graph(1) })).sample(0);
    const nhwc = inputGraph({ x: { shape: [1, 4, 6, 3], attributes: { ...attributes, channelFormat: 'nhwc' } } });
    const packed = await (await openDataset({ source: files, graph: nhwc })).sample(0);
    const expected = Array.from({ length: 72 }, (_, i) => planar.get('x')![(i % 3) * 24 + Math.floor(i / 3)]!);
    expect([...packed.get('x')!]).toEqual(expected);
  });

  it('names the file that cannot be read', async () => {
    const dataset = await openDataset({
      source: source({ 'sub/bad.jpg': fixture('420.jpg').slice(0, 700) }),
      graph: graph(1),
    });
    await expect(dataset.sample(0)).rejects.toMatchObject({
      code: 'dataset.image',
      where: 'sub/bad.jpg',
      found: 'the file is truncated',
    });
  });

  it('refuses images for inputs that are not prepared for them, and clashing settings', async () => {
    const files = source({ 'a.bmp': fixture('24.bmp') });
    const open = (shape: readonly number[], attributes?: object) =>
      openDataset({
        source: files,
        graph: inputGraph({ x: { shape, ...(attributes === undefined ? {} : { attributes }) } }),
      });
    await expect(open([1, 10])).rejects.toMatchObject({ code: 'dataset.preprocess', where: 'x' });
    await expect(open([1, 1, 4, 6], {})).rejects.toMatchObject({
      code: 'dataset.preprocess',
      expected: 'nchw of 3 channels',
    });
    await expect(open([1, 3, 4, 6], { resizeDims: [2, 2] })).rejects.toMatchObject({ code: 'dataset.preprocess' });
    await expect(open([1, 3, 4, 6], { mean: [1, 2] })).rejects.toMatchObject({ found: '2 values of mean' });
    await expect(open([1, 3, 4, 6], { pixelFormat: 'yuv' })).rejects.toMatchObject({ found: 'pixel_format yuv' });
  });
});

describe('placement (calibration.md 13.6)', () => {
  it('gives the numbers of the specification', () => {
    expect(letterbox(640, 427, 416, 416, 'center')).toEqual({ width: 416, height: 277, x: 0, y: 69 });
    expect(letterbox(427, 640, 640, 640, 'center')).toMatchObject({ x: 106, y: 0 });
    expect(letterbox(640, 427, 416, 416, 'normal')).toMatchObject({ x: 0, y: 0 });
    expect(shortSide(500, 375, 256, 256)).toEqual({ width: 341, height: 256, x: 42, y: 0 });
  });
});

describe('npy and npz samples', () => {
  it('reads one npy per input, one line per sample, in input order', async () => {
    const graph = inputGraph({ p: { shape: [1, 2] }, q: { shape: [3] } });
    const files = source({ 'a.npy': npy([1, 2], [1, 2]), 'b.npy': npy([3, 4, 5], [1, 3]) });
    const dataset = await openDataset({ source: files, graph, dataList: 'a.npy, b.npy\na.npy,b.npy\n' });
    expect(dataset.length).toBe(2);
    expect([...(await dataset.sample(1))].map(([name, values]) => [name, [...values]])).toEqual([
      ['p', [1, 2]],
      ['q', [3, 4, 5]],
    ]);
  });

  it('takes the only array of an npz for the only input, and finds several by name', async () => {
    const one = await openDataset({
      source: source({ 'a.npz': npz({ any: [[1, 2], [2]] }) }),
      graph: inputGraph({ x: { shape: [1, 2] } }),
    });
    expect([...(await one.sample(0)).get('x')!]).toEqual([1, 2]);
    const two = inputGraph({ p: { shape: [1, 2] }, q: { shape: [1, 1] } });
    const dataset = await openDataset({
      source: source({
        'a.npz': npz({
          q: [[7], [1]],
          extra: [[0], [1]],
          p: [
            [1, 2],
            [1, 2],
          ],
        }),
      }),
      graph: two,
    });
    expect([...(await dataset.sample(0)).keys()]).toEqual(['p', 'q']);
    const missing = await openDataset({
      source: source({
        'a.npz': npz({
          p: [
            [1, 2],
            [1, 2],
          ],
          r: [[1], [1]],
        }),
      }),
      graph: two,
    });
    await expect(missing.sample(0)).rejects.toMatchObject({ code: 'dataset.keys', found: 'p, r' });
    const many = await openDataset({
      source: source({ 'a.npz': npz({ p: [[1], [1]], r: [[1], [1]] }) }),
      graph: inputGraph({ x: { shape: [1] } }),
    });
    await expect(many.sample(0)).rejects.toMatchObject({ code: 'dataset.keys' });
  });

  it('stacks rows of npz files until the batch is full and drops an incomplete one', async () => {
    const rows = Object.fromEntries(
      [0, 1, 2, 3, 4].map((i) => [
        `${i}.npz`,
        npz({
          x: [
            [i, i],
            [1, 2],
          ],
        }),
      ]),
    );
    const dataset = await openDataset({
      source: source(rows),
      graph: inputGraph({ x: { shape: [2, 2] } }),
      dataList: '0.npz\n1.npz\n2.npz\n3.npz\n4.npz',
    });
    expect(dataset.length).toBe(2);
    expect(dataset.files(1)).toEqual(['2.npz', '3.npz']);
    expect([...(await dataset.sample(1)).get('x')!]).toEqual([2, 2, 3, 3]);
    const whole = await openDataset({
      source: source({
        'w.npz': npz({
          x: [
            [1, 2, 3, 4],
            [2, 2],
          ],
        }),
      }),
      graph: inputGraph({ x: { shape: [2, 2] } }),
    });
    expect([...(await whole.sample(0)).get('x')!]).toEqual([1, 2, 3, 4]);
  });

  it('refuses wrong shapes, wrong numbers of files and missing files', async () => {
    const graph = inputGraph({ x: { shape: [1, 2] } });
    const shape = await openDataset({ source: source({ 'a.npy': npy([1, 2, 3], [1, 3]) }), graph });
    await expect(shape.sample(0)).rejects.toMatchObject({
      code: 'dataset.shape',
      where: 'a.npy',
      found: '1x3',
      expected: '1x2',
    });
    await expect(openDataset({ source: source({}), graph, dataList: 'a.npy,b.npy' })).rejects.toMatchObject({
      code: 'dataset.files-per-sample',
    });
    const two = inputGraph({ p: { shape: [1] }, q: { shape: [1] } });
    await expect(openDataset({ source: source({ 'a.npy': npy([1], [1]) }), graph: two })).rejects.toMatchObject({
      code: 'dataset.files-per-sample',
    });
    const missing = await openDataset({ source: source({}), graph, dataList: 'no.npy' });
    await expect(missing.sample(0)).rejects.toMatchObject({ code: 'dataset.file-missing', where: 'no.npy' });
    await expect(openDataset({ source: source({}), graph, where: 'empty/' })).rejects.toMatchObject({
      code: 'dataset.empty',
      where: 'empty/',
    });
    const mixed = source({ 'a.npy': npy([1, 2], [1, 2]), 'b.bmp': fixture('24.bmp') });
    await expect(openDataset({ source: mixed, graph })).rejects.toMatchObject({ code: 'dataset.mixed-kinds' });
  });
});
