import { letterbox, shortSide } from './fit.ts';
import type { PreprocessSettings } from './settings.ts';

/** Where an image's points lie in the network input: x · scaleX + offsetX, y · scaleY + offsetY, in pixels from the edge. */
export interface ImagePlacement {
  readonly scaleX: number;
  readonly scaleY: number;
  readonly offsetX: number;
  readonly offsetY: number;
}

/** How preprocessing places an image of this size: the inverse brings boxes back onto the picture. */
export function imagePlacement(settings: PreprocessSettings, width: number, height: number): ImagePlacement {
  const { resizeWidth, resizeHeight, fit, padType } = settings;
  const placed =
    fit === 'letterbox'
      ? letterbox(width, height, resizeWidth, resizeHeight, padType)
      : fit === 'short_side_scale'
        ? coveredPlacement(width, height, settings)
        : { width: resizeWidth, height: resizeHeight, x: 0, y: 0 };
  const cropX = Math.floor(resizeWidth / 2) - Math.floor(settings.width / 2);
  const cropY = Math.floor(resizeHeight / 2) - Math.floor(settings.height / 2);
  return {
    scaleX: placed.width / width,
    scaleY: placed.height / height,
    offsetX: placed.x - cropX,
    offsetY: placed.y - cropY,
  };
}

/** The crop of a short-side resize moves the image to the left and up. */
function coveredPlacement(width: number, height: number, { resizeWidth, resizeHeight }: PreprocessSettings) {
  const placed = shortSide(width, height, resizeWidth, resizeHeight);
  return { ...placed, x: -placed.x, y: -placed.y };
}
