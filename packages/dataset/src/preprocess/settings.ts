import { type OpOf, QError, type TensorType } from '@q/ir';
import type { Interpolation } from './interpolation.ts';

export type PixelFormat = 'bgr' | 'rgb' | 'gray' | 'rgba';

/** How an image becomes a network input: the attributes of a `top.Input`, resolved and checked (calibration.md 3.4). */
export interface PreprocessSettings {
  readonly pixelFormat: PixelFormat;
  readonly channelFormat: 'nchw' | 'nhwc';
  readonly channels: 1 | 3 | 4;
  /** Network input size in pixels. */
  readonly height: number;
  readonly width: number;
  /** Size after resizing; larger than the network's means a centre crop follows. */
  readonly resizeHeight: number;
  readonly resizeWidth: number;
  readonly fit: 'stretch' | 'letterbox' | 'short_side_scale';
  readonly interpolation: Interpolation;
  /** Grey level 0..255 of the letterbox border, before mean and scale. */
  readonly padValue: number;
  readonly padType: 'center' | 'normal';
  /** On the 0..255 range, per channel in the order of `pixelFormat`; y = (x - mean) * scale. */
  readonly mean: readonly number[];
  readonly scale: readonly number[];
}

const CHANNELS: Readonly<Record<PixelFormat, 1 | 3 | 4>> = { bgr: 3, rgb: 3, gray: 1, rgba: 4 };

/**
 * Resolves the preprocessing of one network input. Models do not say how pictures are resized: the way is TPU-MLIR's unless
 * another is chosen.
 *
 * @throws QError `dataset.preprocess` when the input does not take images or the settings clash
 */
export function preprocessSettings(
  input: OpOf<'top.Input'>,
  type: TensorType,
  interpolation: Interpolation = 'linear',
): PreprocessSettings {
  const { attributes: a, name } = input;
  if (!a.doPreprocess) {
    throw settingError(
      name,
      'it has no preprocessing settings',
      'an input prepared for images',
      'feed it from npy or npz files',
    );
  }
  const pixelFormat = oneOf(name, 'pixel_format', a.pixelFormat ?? 'bgr', ['bgr', 'rgb', 'gray', 'rgba']);
  const channelFormat = oneOf(name, 'channel_format', a.channelFormat ?? 'nchw', ['nchw', 'nhwc']);
  const channels = CHANNELS[pixelFormat];
  const { height, width } = imageSize(name, type.shape, channelFormat, channels);
  const [resizeHeight, resizeWidth] = a.resizeDims?.length ? a.resizeDims : [height, width];
  if (resizeHeight === undefined || resizeWidth === undefined || resizeHeight < height || resizeWidth < width) {
    throw settingError(name, `resize_dims ${a.resizeDims}`, `two sizes, at least the network's ${height},${width}`);
  }
  const mode = oneOf(name, 'keep_ratio_mode', a.keepRatioMode ?? 'letterbox', ['letterbox', 'short_side_scale']);
  const fit = a.keepAspectRatio ? mode : 'stretch';
  if (fit === 'letterbox' && channels === 4) {
    throw settingError(name, 'keep_aspect_ratio with pixel_format rgba', 'one or three channels');
  }
  return {
    pixelFormat,
    channelFormat,
    channels,
    height,
    width,
    resizeHeight,
    resizeWidth,
    fit,
    interpolation,
    padValue: a.padValue ?? 0,
    padType: oneOf(name, 'pad_type', a.padType ?? 'center', ['center', 'normal']),
    mean: perChannel(name, 'mean', a.mean, 0, channels),
    scale: perChannel(name, 'scale', a.scale, 1, channels),
  };
}

function imageSize(name: string, shape: readonly number[], format: 'nchw' | 'nhwc', channels: number) {
  const [height, width] = format === 'nhwc' ? shape.slice(1, -1) : shape.slice(-2);
  const perSample = shape.slice(1).reduce((product, dim) => product * dim, 1);
  if (shape.length < 3 || height === undefined || width === undefined || perSample !== channels * height * width) {
    throw settingError(
      name,
      `shape ${shape.join('x')}`,
      `${format} of ${channels} channels`,
      'check --pixel_format and --channel_format',
    );
  }
  return { height, width };
}

function perChannel(
  name: string,
  what: string,
  given: readonly number[] | undefined,
  fallback: number,
  channels: number,
) {
  const values = given?.length ? given.slice(0, channels) : Array<number>(channels).fill(fallback);
  if (values.length === channels) return values;
  throw settingError(name, `${values.length} values of ${what}`, `${channels}, one per channel`);
}

function oneOf<const T extends string>(name: string, what: string, value: string, choices: readonly T[]): T {
  const found = choices.find((choice) => choice === value);
  if (found !== undefined) return found;
  throw settingError(name, `${what} ${value}`, choices.join(', '));
}

function settingError(where: string, found: string, expected: string, hint?: string): QError {
  return new QError(`Images cannot be fed to input ${where}: found ${found}, expected ${expected}.`, {
    code: 'dataset.preprocess',
    where,
    found,
    expected,
    ...(hint === undefined ? {} : { hint }),
  });
}
