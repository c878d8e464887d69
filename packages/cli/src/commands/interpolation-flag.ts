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

/** `--debug_cmd use_pil_resize` is TPU-MLIR's spelling of `--interpolation pil_bilinear` (cli.md 4.1). */
export function readInterpolation(args: Arguments): Interpolation {
  if (args.optionalString('debug_cmd')?.includes('use_pil_resize')) return 'pil_bilinear';
  return args.string('interpolation') as Interpolation;
}
