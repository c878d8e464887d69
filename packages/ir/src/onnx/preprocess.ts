import type { OpAttributes } from '../operators/index.ts';

/** The pre-processing options of `model_transform` (cli.md 4.1); missing ones have its defaults. */
export interface PreprocessOptions {
  readonly pixelFormat?: string;
  /** `nchw`, `nhwc`, or `none`: the input is no image and gets no attributes. */
  readonly channelFormat?: string;
  /** Height and width after resizing; larger than the network's size = centre crop afterwards. */
  readonly resizeDims?: readonly number[];
  readonly keepAspectRatio?: boolean;
  readonly keepRatioMode?: string;
  readonly padValue?: number;
  readonly padType?: string;
  /** Per channel, in the order of `pixelFormat`; y = (x − mean) · scale. Rounded to f32. */
  readonly mean?: readonly number[];
  readonly scale?: readonly number[];
  readonly yuvType?: string;
  /** 1-based numbers of the inputs to pre-process; all when missing. */
  readonly inputs?: readonly number[];
}

/** Attributes of the `top.Input` of an input: only rank 4 with at most four channels, or rank 3, is pre-processed. */
export function inputAttributes(
  shape: readonly number[],
  index: number,
  options: PreprocessOptions | undefined,
): OpAttributes['top.Input'] {
  const channelFormat = options?.channelFormat ?? 'nchw';
  if (options === undefined || channelFormat === 'none') return { doPreprocess: false };
  if (options.inputs !== undefined && !options.inputs.includes(index + 1)) return { doPreprocess: false };
  const channels = channelFormat === 'nhwc' ? shape[3] : shape[1];
  if (shape.length !== 3 && !(shape.length === 4 && channels! <= 4)) return { doPreprocess: false };
  return {
    doPreprocess: true,
    pixelFormat: options.pixelFormat ?? 'bgr',
    channelFormat,
    ...(options.resizeDims === undefined ? {} : { resizeDims: options.resizeDims }),
    keepAspectRatio: options.keepAspectRatio ?? false,
    keepRatioMode: options.keepRatioMode ?? 'letterbox',
    padValue: options.padValue ?? 0,
    padType: options.padType ?? 'center',
    mean: (options.mean ?? [0, 0, 0]).map(Math.fround),
    scale: (options.scale ?? [1, 1, 1]).map(Math.fround),
    yuvType: options.yuvType ?? '',
  };
}

/** `--resize_dims` when it is not given: the height and width of the first given input shape (cli.md 4.2). */
export function withResizeDims(
  options: PreprocessOptions | undefined,
  shapes: readonly (readonly number[])[] | undefined,
): PreprocessOptions | undefined {
  const first = shapes?.[0];
  if (options === undefined || options.resizeDims !== undefined || first === undefined) return options;
  const resizeDims = options.channelFormat === 'nhwc' ? first.slice(-3, -1) : first.slice(-2);
  return { ...options, resizeDims };
}
