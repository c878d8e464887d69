import { attributesWithDefaults, type Graph, type OpOf } from '@q/ir';
import { describe, expect, it } from 'vitest';
import { applyTransform, hookedDataset, parseTransform, preprocessSettings } from '../src/index.ts';

describe('preprocessing strings of the BM1684 tools (bm1684-tools.md 3.3)', () => {
  it('are read', () => {
    expect(parseTransform('resize_h=300,resize_w=300;mean_value=127.5:127.5:127.5, scale=0.00784')).toEqual({
      resizeDims: [300, 300],
      mean: [127.5, 127.5, 127.5],
      scale: [0.00784, 0.00784, 0.00784],
      pixelFormat: 'bgr',
      warnings: [],
    });
    expect(
      parseTransform(
        'resize_side=256;crop_h=224,crop_w=224;mean_value=103.94:116.78:123.68,bgr2rgb=True,mean_order=src',
      ),
    ).toEqual({
      resizeDims: [256, 256],
      keepAspectRatio: true,
      keepRatioMode: 'short_side_scale',
      crop: [224, 224],
      mean: [123.68, 116.78, 103.94],
      scale: [1, 1, 1],
      pixelFormat: 'rgb',
      warnings: [],
    });
    expect(parseTransform('scale=1:2:4,div=2')).toMatchObject({ mean: [0, 0, 0], scale: [0.5, 1, 2] });
    expect(parseTransform('mean_value=5,letterbox=1', 1)).toMatchObject({ mean: [5], keepRatioMode: 'letterbox' });
  });

  it('warn where they can be read in two ways', () => {
    expect(parseTransform('mean_value=1:2:3,bgr2rgb=true').warnings).toHaveLength(1);
    expect(parseTransform('mean_value=2:2:2,bgr2rgb=true').warnings).toEqual([]);
  });

  it('are refused with everything that is wrong', () => {
    expect(() => parseTransform('resize_x=3;mean_value=a;scale=1;bgr2rgb=maybe')).toThrow(
      expect.objectContaining({ code: 'dataset.preprocess', found: 'resize_x=3, mean_value=a, bgr2rgb=maybe' }),
    );
    expect(() => parseTransform('mean_value=1:2')).toThrow(expect.objectContaining({ found: '1:2' }));
  });
});

describe('samples of a user hook', () => {
  const inputs = [{ name: 'x', shape: [1, 2] }];
  const open = (hook: Parameters<typeof hookedDataset>[0]['hook']) =>
    hookedDataset({
      inputs,
      samples: [['a.txt'], ['b.txt']],
      read: async (path) => new TextEncoder().encode(path),
      hook,
    });

  it('are what it makes of the files', async () => {
    const dataset = open(({ bytes }) => ({ x: [bytes[0]![0]!, 2] }));
    expect([...(await dataset.sample(1)).get('x')!]).toEqual([98, 2]);
  });

  it('are refused with its own message, or for their size', async () => {
    const failing = open(() => {
      throw new Error('no such column');
    });
    await expect(failing.sample(0)).rejects.toMatchObject({
      code: 'dataset.hook',
      where: 'a.txt',
      found: 'no such column',
    });
    await expect(open(() => ({ x: [1] })).sample(0)).rejects.toMatchObject({ code: 'dataset.hook', found: '1 values' });
    await expect(open(() => ({ y: [1, 2] })).sample(0)).rejects.toMatchObject({ found: 'no values' });
  });
});

describe('the network with a cali_image_preprocess string', () => {
  const input = (name: string): Graph => {
    const attributes = attributesWithDefaults('top.Input', { doPreprocess: false });
    return {
      name,
      state: 'TOP_F32',
      chip: 'ALL',
      platform: 'ONNX',
      ops: [{ type: 'top.Input', name: 'x', inputs: [], outputs: ['x'], attributes }] as unknown as Graph['ops'],
      values: new Map([['x', { shape: [1, 3, 4, 6], dtype: 'f32' }]]),
      weights: new Map(),
      outputs: ['x'],
      tensorNames: new Map(),
      moduleAttributes: {},
    };
  };
  const settingsOf = (text: string) => {
    const graph = applyTransform(input('net'), parseTransform(text));
    return preprocessSettings(graph.ops[0] as OpOf<'top.Input'>, graph.values.get('x')!);
  };

  it('takes images as it says', () => {
    expect(settingsOf('resize_h=8,resize_w=9;mean_value=1:2:3,scale=0.5,bgr2rgb=true')).toMatchObject({
      pixelFormat: 'rgb',
      height: 4,
      width: 6,
      resizeHeight: 8,
      resizeWidth: 9,
      fit: 'stretch',
      mean: [1, 2, 3],
      scale: [0.5, 0.5, 0.5],
    });
    expect(settingsOf('resize_side=10;crop_h=4,crop_w=6')).toMatchObject({ fit: 'short_side_scale', resizeHeight: 10 });
    expect(settingsOf('crop_fraction=0.5')).toMatchObject({ resizeHeight: 8, resizeWidth: 12 });
    expect(settingsOf('letterbox=1')).toMatchObject({ fit: 'letterbox', resizeHeight: 4, resizeWidth: 6 });
  });

  it('is refused when it crops to another size', () => {
    expect(() => settingsOf('crop_h=5,crop_w=6')).toThrow(
      expect.objectContaining({ code: 'dataset.preprocess', expected: '4x6' }),
    );
  });
});
