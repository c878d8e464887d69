import { type Issue, QError } from '../errors.ts';
import { type Graph, type OpOf, typeOf } from '../graph.ts';
import type { TensorType } from '../tensor-type.ts';

/** Pixel layouts of `--customization_format` that are supported: order of the channels and of the memory. */
const FORMATS: Readonly<Record<string, { readonly order: string; readonly isPacked: boolean }>> = {
  RGB_PLANAR: { order: 'rgb', isPacked: false },
  RGB_PACKED: { order: 'rgb', isPacked: true },
  BGR_PLANAR: { order: 'bgr', isPacked: false },
  BGR_PACKED: { order: 'bgr', isPacked: true },
  GRAYSCALE: { order: 'gray', isPacked: false },
};

/** Formats that TPU-MLIR knows besides: their bytes are not pixels in rows. */
const OTHER_FORMATS: readonly string[] = [
  'YUV420_PLANAR',
  'YUV_NV21',
  'YUV_NV12',
  'RGBA_PLANAR',
  'GBRG_RAW',
  'GRBG_RAW',
  'BGGR_RAW',
  'RGGB_RAW',
];

/** How one network input is to be fed, from its attributes. */
export interface PixelSettings {
  readonly input: OpOf<'top.Input'>;
  readonly type: TensorType;
  readonly channels: number;
  /** Size of the pixels that are fed; larger than the network's input where a crop follows. */
  readonly height: number;
  readonly width: number;
  readonly format: string;
  readonly order: string;
  readonly isPacked: boolean;
  /** The channels come in the reverse of the order that the network expects. */
  readonly isSwapped: boolean;
  /** Per channel, in the order of `format`. */
  readonly mean: readonly number[];
  readonly scale: readonly number[];
}

/** @throws QError `lower.preprocess` for inputs and formats that have no such form */
export function pixelSettingsOf(graph: Graph, input: OpOf<'top.Input'>, asked: string | undefined): PixelSettings {
  const { pixelFormat = 'bgr', resizeDims, mean, scale } = input.attributes;
  const type = imageTypeOf(graph, input);
  const [, channels, h, w] = type.shape as [number, number, number, number];
  const format = asked ?? (pixelFormat === 'gray' ? 'GRAYSCALE' : `${pixelFormat.toUpperCase()}_PLANAR`);
  const layout = layoutOf(format, input.name, channels);
  const isSwapped = layout.order !== 'gray' && layout.order !== pixelFormat;
  const perChannel = (values: readonly number[] | undefined, fallback: number): readonly number[] => {
    const own = Array.from({ length: channels }, (_, at) => values?.[at] ?? fallback);
    return isSwapped ? own.reverse() : own;
  };
  const [height, width] = resizeDims?.length === 2 ? (resizeDims as [number, number]) : [h, w];
  return {
    input,
    type,
    channels,
    height,
    width,
    format,
    ...layout,
    isSwapped,
    mean: perChannel(mean, 0),
    scale: perChannel(scale, 1),
  };
}

function imageTypeOf(graph: Graph, input: OpOf<'top.Input'>): TensorType {
  const { channelFormat = 'nchw' } = input.attributes;
  const type = typeOf(graph, input.name)!;
  if (channelFormat === 'nchw' && type.shape.length === 4 && [1, 3].includes(type.shape[1]!)) return type;
  throw pixelRefusal({
    where: input.name,
    found: `${channelFormat} ${type.shape.join('x')}`,
    expected: 'an image of one or three planes (nchw)',
  });
}

function layoutOf(format: string, input: string, channels: number): (typeof FORMATS)[string] {
  const layout = FORMATS[format];
  if (layout !== undefined && (layout.order === 'gray') === (channels === 1)) return layout;
  throw pixelRefusal({
    where: input,
    found: format,
    expected: Object.keys(FORMATS).join(', '),
    ...(OTHER_FORMATS.includes(format) ? { hint: 'convert the image before it is fed' } : {}),
  });
}

/** Why an input cannot take pixels. */
export function pixelRefusal(facts: Omit<Issue, 'code'>): QError {
  return new QError(`--fuse_preprocess cannot be done: ${facts.found}`, { code: 'lower.preprocess', ...facts });
}
