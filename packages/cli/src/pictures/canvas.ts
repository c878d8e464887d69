import type { PixelImage } from '@q/dataset';
import { isInk, SIGN_HEIGHT, SIGN_WIDTH } from './font.ts';

export type Colour = readonly [red: number, green: number, blue: number];

/** Colours that tell classes apart on most pictures. */
const PALETTE: readonly Colour[] = [
  [230, 25, 75],
  [60, 180, 75],
  [0, 130, 200],
  [245, 130, 48],
  [145, 30, 180],
  [0, 160, 160],
  [240, 50, 230],
  [128, 128, 0],
  [170, 110, 40],
  [128, 0, 0],
];

export function colourOf(category: number): Colour {
  return PALETTE[category % PALETTE.length]!;
}

/** Shorter side that text needs. */
const LEAST_SIDE = 200;

/** A picture to draw on, in R, G, B, A. */
export class Canvas {
  readonly width: number;
  readonly height: number;
  readonly data: Uint8ClampedArray<ArrayBuffer>;
  /** Pixels of the canvas per pixel of the picture, across and down: small pictures are enlarged so that text fits. */
  readonly zoom: number;

  /** @param image A colour image as `decodeImage` reads it: B, G, R. */
  constructor(image: PixelImage) {
    this.zoom = Math.ceil(LEAST_SIDE / Math.min(image.width, image.height, LEAST_SIDE));
    this.width = image.width * this.zoom;
    this.height = image.height * this.zoom;
    this.data = new Uint8ClampedArray(4 * this.width * this.height).fill(255);
    for (let i = 0; i < this.width * this.height; i++) {
      const [column, row] = [i % this.width, Math.floor(i / this.width)];
      const from = 3 * (Math.floor(row / this.zoom) * image.width + Math.floor(column / this.zoom));
      for (let channel = 0; channel < 3; channel++) this.data[4 * i + channel] = image.data[from + 2 - channel]!;
    }
  }

  /** Fills a rectangle; what lies outside is left out. */
  fill(x: number, y: number, width: number, height: number, colour: Colour): void {
    const [left, top] = [Math.max(0, Math.round(x)), Math.max(0, Math.round(y))];
    const right = Math.min(this.width, Math.round(x + width));
    const bottom = Math.min(this.height, Math.round(y + height));
    for (let row = top; row < bottom; row++) {
      for (let column = left; column < right; column++) this.data.set(colour, 4 * (row * this.width + column));
    }
  }

  /** Draws the border of a rectangle, `thickness` pixels to its inside. */
  frame(box: { x0: number; y0: number; x1: number; y1: number }, thickness: number, colour: Colour): void {
    const [width, height] = [box.x1 - box.x0, box.y1 - box.y0];
    this.fill(box.x0, box.y0, width, thickness, colour);
    this.fill(box.x0, box.y1 - thickness, width, thickness, colour);
    this.fill(box.x0, box.y0, thickness, height, colour);
    this.fill(box.x1 - thickness, box.y0, thickness, height, colour);
  }

  /** Writes one line on a plate of `colour`; the plate is moved inside the picture where it can be. */
  label(text: string, x: number, y: number, scale: number, colour: Colour): void {
    const { width, height } = labelSize(text, scale);
    const left = Math.max(0, Math.min(Math.round(x), this.width - width));
    const top = Math.max(0, Math.min(Math.round(y), this.height - height));
    this.fill(left, top, width, height, colour);
    const ink: Colour = 0.3 * colour[0] + 0.59 * colour[1] + 0.11 * colour[2] > 140 ? [0, 0, 0] : [255, 255, 255];
    for (const [index, sign] of [...text].entries()) {
      const start = left + scale * (1 + index * (SIGN_WIDTH + 1));
      for (let row = 0; row < SIGN_HEIGHT; row++) {
        for (let column = 0; column < SIGN_WIDTH; column++) {
          if (isInk(sign, column, row)) this.fill(start + scale * column, top + scale * (row + 1), scale, scale, ink);
        }
      }
    }
  }
}

/** Size of the plate of a label. */
export function labelSize(text: string, scale: number): { width: number; height: number } {
  return { width: scale * ([...text].length * (SIGN_WIDTH + 1) + 1), height: scale * (SIGN_HEIGHT + 2) };
}

/** How large letters are on a picture of this size: legible, and at least one pixel per dot. */
export function textScale({ width, height }: { width: number; height: number }): number {
  return Math.max(1, Math.round(Math.min(width, height) / 240));
}
