import { type Graph, inputsOf, type Op, type OpOf, QError, typeOf } from '@q/ir';
import type { TransformSettings } from './transform-string.ts';

type Input = OpOf<'top.Input'>;

/**
 * The network with what a `cali_image_preprocess` string says in place of its inputs' own preprocessing; only what it feeds
 * changes, not what it computes.
 *
 * @throws QError `dataset.preprocess` when a crop is not of the network's size
 */
export function applyTransform(graph: Graph, settings: TransformSettings): Graph {
  const inputs = new Set(inputsOf(graph).map(({ name }) => name));
  const ops = graph.ops.map((op): Op => {
    if (!inputs.has(op.name)) return op;
    const input = op as Input;
    const channelFormat = input.attributes.channelFormat === 'nhwc' ? 'nhwc' : 'nchw';
    const { shape } = typeOf(graph, op.name)!;
    const [height, width] = (channelFormat === 'nhwc' ? shape.slice(1, 3) : shape.slice(-2)) as [number, number];
    return { ...input, attributes: { ...input.attributes, ...attributesFor(settings, height, width), channelFormat } };
  });
  return { ...graph, ops };
}

function attributesFor(settings: TransformSettings, height: number, width: number): Partial<Input['attributes']> {
  const {
    crop,
    cropFraction,
    mean,
    scale,
    pixelFormat,
    keepAspectRatio = false,
    keepRatioMode = 'letterbox',
  } = settings;
  if (crop !== undefined && (crop[0] !== height || crop[1] !== width)) {
    throw new QError(`The preprocessing crops to ${crop.join('x')}, but the network takes ${height}x${width}.`, {
      code: 'dataset.preprocess',
      where: 'crop_h, crop_w',
      found: crop.join('x'),
      expected: `${height}x${width}`,
    });
  }
  const whole = (size: number): number => (cropFraction === undefined ? size : Math.round(size / cropFraction));
  const resizeDims = [...(settings.resizeDims ?? [whole(height), whole(width)])];
  return {
    doPreprocess: true,
    resizeDims,
    keepAspectRatio,
    keepRatioMode,
    padValue: 0,
    padType: 'center',
    mean,
    scale,
    pixelFormat,
  };
}
