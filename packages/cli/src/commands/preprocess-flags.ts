import { QError } from '@q/ir';
import type { PreprocessOptions } from '@q/ir/onnx';
import type { ArgumentParser } from 'argparse';
import type { Arguments } from '../arguments/arguments.ts';

/** The preprocessing flags of model_transform (cli.md 4.1), shared by every command that takes a model without them. */
export function declarePreprocessFlags(parser: ArgumentParser): void {
  const group = parser.add_argument_group(
    'preprocessing',
    'y = (x - mean) * scale on 0..255 pixels; stored in the model and used by every later step.',
  );
  group.add_argument('--resize_dims', {
    default: '',
    help: 'h,w after resizing; larger than the network input means centre crop (default: network h,w)',
  });
  group.add_argument('--keep_aspect_ratio', { action: 'store_true', help: 'resize without distortion' });
  group.add_argument('--keep_ratio_mode', {
    default: 'letterbox',
    choices: ['letterbox', 'short_side_scale'],
    help: 'how --keep_aspect_ratio fills the input (default: letterbox)',
  });
  group.add_argument('--mean', {
    default: '0,0,0',
    help: 'per channel, in the order of --pixel_format (default: 0,0,0)',
  });
  group.add_argument('--scale', { default: '1,1,1', help: 'per channel, multiplied (default: 1,1,1)' });
  group.add_argument('--pixel_format', {
    default: 'bgr',
    choices: ['rgb', 'bgr', 'gray', 'rgba'],
    help: 'what the network expects (default: bgr)',
  });
  group.add_argument('--channel_format', {
    default: 'nchw',
    choices: ['nchw', 'nhwc', 'none'],
    help: 'layout of the input; none: not an image (default: nchw)',
  });
  group.add_argument('--pad_value', {
    type: 'int',
    default: 0,
    help: 'letterbox fill, 0..255, before mean and scale (default: 0)',
  });
  group.add_argument('--pad_type', {
    default: 'center',
    choices: ['normal', 'center'],
    help: 'normal puts the image top-left (default: center)',
  });
  group.add_argument('--debug_cmd', {
    default: '',
    help: 'use_pil_resize: resize as Pillow does where networks are measured (classify, detect, evaluate)',
  });
}

/** What the flags say; `undefined` for inputs that are no images. */
export function readPreprocess(args: Arguments): PreprocessOptions | undefined {
  const channelFormat = args.string('channel_format');
  if (channelFormat === 'none') return undefined;
  const pixelFormat = args.string('pixel_format');
  const channels = pixelFormat === 'gray' ? 1 : pixelFormat === 'rgba' ? 4 : 3;
  const resizeDims = readResizeDims(args);
  const padValue = args.integer('pad_value', 0);
  if (padValue > 255) throw badValue('pad_value', String(padValue), 'a whole number from 0 to 255');
  return {
    pixelFormat,
    channelFormat,
    ...(resizeDims === undefined ? {} : { resizeDims }),
    keepAspectRatio: args.flag('keep_aspect_ratio'),
    keepRatioMode: args.string('keep_ratio_mode'),
    padValue,
    padType: args.string('pad_type'),
    mean: perChannel(args, 'mean', channels),
    scale: perChannel(args, 'scale', channels),
  };
}

function readResizeDims(args: Arguments): [number, number] | undefined {
  const dims = args.numbers('resize_dims');
  if (dims === undefined) return undefined;
  if (dims.length !== 2 || dims.some((dim) => !Number.isSafeInteger(dim) || dim < 1)) {
    throw badValue('resize_dims', dims.join(','), 'two positive whole numbers h,w');
  }
  return [dims[0]!, dims[1]!];
}

/** One number per channel. A single one is used for all; grey inputs take the first of three (calibration.md 3.4). */
function perChannel(args: Arguments, name: 'mean' | 'scale', channels: number): number[] {
  const numbers = args.numbers(name)!;
  if (numbers.length === channels || channels === 1) return numbers;
  if (numbers.length === 1) return Array<number>(channels).fill(numbers[0]!);
  // The defaults are written for three channels.
  if (channels === 4 && numbers.every((number) => number === numbers[0])) return Array<number>(4).fill(numbers[0]!);
  throw badValue(
    name,
    numbers.join(','),
    `${channels} numbers, one per channel of --pixel_format ${args.string('pixel_format')}`,
  );
}

function badValue(flag: string, found: string, expected: string): QError {
  return new QError(`--${flag} is ${found}; ${expected} expected`, {
    code: 'cli.bad-flag-value',
    where: `--${flag}`,
    found,
    expected,
  });
}
