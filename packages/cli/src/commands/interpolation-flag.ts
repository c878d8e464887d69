import { type Interpolation, interpolations } from '@q/dataset';
import type { ArgumentParser } from 'argparse';
import type { Arguments } from '../arguments/arguments.ts';

/** How pictures are resized: models do not say it, published figures and vendors' samples do. */
export function declareInterpolationFlag(parser: ArgumentParser): void {
  parser.add_argument('--interpolation', {
    default: 'linear',
    choices: Object.keys(interpolations),
    help: "how pictures are resized: OpenCV's linear (as in TPU-MLIR) or area, Pillow's bilinear or bicubic (default: linear)",
  });
}

export function readInterpolation(args: Arguments): Interpolation {
  return args.string('interpolation') as Interpolation;
}
