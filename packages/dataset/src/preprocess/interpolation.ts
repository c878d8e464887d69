import type { PixelImage } from '../images/pixel-image.ts';
import { resizeArea } from './resize-area.ts';
import { resizeBilinear } from './resize-bilinear.ts';
import { resizePillowBicubic, resizePillowBilinear } from './resize-pillow.ts';

type Resize = (image: PixelImage, width: number, height: number) => PixelImage;

/** Ways to resize: OpenCV's `INTER_LINEAR` (TPU-MLIR's own) and `INTER_AREA`, Pillow's `BILINEAR` and `BICUBIC`. */
export const interpolations = {
  linear: resizeBilinear,
  area: resizeArea,
  pil_bilinear: resizePillowBilinear,
  pil_bicubic: resizePillowBicubic,
} as const satisfies Record<string, Resize>;

export type Interpolation = keyof typeof interpolations;
