import { imageError } from './image-error.ts';
import { type PixelImage, type PixelMode, type RgbaPixels, rgbaImage, rgbaToBgr, rgbaToGray } from './pixel-image.ts';

interface BmpHeader {
  readonly width: number;
  readonly height: number;
  readonly topDown: boolean;
  readonly bitsPerPixel: 8 | 24 | 32;
  readonly pixelsAt: number;
  /** B, G, R, 0 per entry, for 8-bit images. */
  readonly palette: Uint8Array;
  readonly rowBytes: number;
}

const FILE_HEADER_BYTES = 14;
const UNCOMPRESSED = 0;
const BITFIELDS = 3;
const MAX_PIXELS = 1 << 28;

/** Reads an uncompressed BMP of 8 (palette), 24 or 32 bits per pixel. */
export function decodeBmp(bytes: Uint8Array, mode: PixelMode, where: string): PixelImage {
  const pixels = readPixels(bytes, readHeader(bytes, where));
  if (mode === 'bgr') return rgbaToBgr(pixels);
  return mode === 'gray' ? rgbaToGray(pixels, openCvGray) : rgbaImage(pixels);
}

/** OpenCV's grey of BMP pixels: 14-bit fixed point, rounded (imgcodecs/src/utils.cpp). */
function openCvGray(r: number, g: number, b: number): number {
  return (4899 * r + 9617 * g + 1868 * b + 8192) >> 14;
}

function readHeader(bytes: Uint8Array, where: string): BmpHeader {
  if (bytes.length < FILE_HEADER_BYTES + 40) throw imageError(where, 'the BMP header is truncated');
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const infoBytes = view.getUint32(14, true);
  if (infoBytes < 40 || infoBytes > 1024) throw imageError(where, `it is a BMP with a header of ${infoBytes} bytes`);
  const width = view.getInt32(18, true);
  const signedHeight = view.getInt32(22, true);
  const height = Math.abs(signedHeight);
  if (width <= 0 || height === 0 || width * height > MAX_PIXELS)
    throw imageError(where, `its size is ${width}x${signedHeight}`);
  const bitsPerPixel = view.getUint16(28, true);
  const compression = view.getUint32(30, true);
  if (bitsPerPixel !== 8 && bitsPerPixel !== 24 && bitsPerPixel !== 32) {
    throw imageError(where, `it is a BMP of ${bitsPerPixel} bits per pixel`, 'save it with 8, 24 or 32 bits per pixel');
  }
  if (
    compression !== UNCOMPRESSED &&
    !(compression === BITFIELDS && bitsPerPixel === 32 && hasStandardMasks(view, bytes))
  ) {
    throw imageError(where, `it is a BMP of compression ${compression}`, 'save it uncompressed');
  }
  const colours = bitsPerPixel === 8 ? view.getUint32(46, true) || 256 : 0;
  const paletteAt = FILE_HEADER_BYTES + infoBytes;
  const pixelsAt = view.getUint32(10, true);
  const rowBytes = Math.ceil((width * bitsPerPixel) / 32) * 4;
  if (colours > 256) throw imageError(where, `its palette has ${colours} colours`);
  if (pixelsAt < paletteAt + colours * 4) throw imageError(where, 'its pixel data overlap its header');
  if (pixelsAt + rowBytes * height > bytes.length) throw imageError(where, 'the BMP is truncated');
  const palette = new Uint8Array(256 * 4);
  palette.set(bytes.subarray(paletteAt, paletteAt + colours * 4));
  return { width, height, topDown: signedHeight < 0, bitsPerPixel, pixelsAt, palette, rowBytes };
}

/** Blue in the lowest byte, then green, then red: the layout that the uncompressed form has. */
function hasStandardMasks(view: DataView, bytes: Uint8Array): boolean {
  if (bytes.length < 66) return false;
  return (
    view.getUint32(54, true) === 0xff0000 && view.getUint32(58, true) === 0xff00 && view.getUint32(62, true) === 0xff
  );
}

function readPixels(bytes: Uint8Array, header: BmpHeader): RgbaPixels {
  const { width, height, bitsPerPixel, palette } = header;
  const data = new Uint8Array(width * height * 4);
  const step = bitsPerPixel / 8;
  let to = 0;
  for (let y = 0; y < height; y++) {
    const row = header.pixelsAt + (header.topDown ? y : height - 1 - y) * header.rowBytes;
    for (let x = 0; x < width; x++, to += 4) {
      const [source, from] = step === 1 ? [palette, bytes[row + x]! * 4] : [bytes, row + x * step];
      data[to] = source[from + 2]!;
      data[to + 1] = source[from + 1]!;
      data[to + 2] = source[from]!;
      data[to + 3] = step === 4 ? source[from + 3]! : 255;
    }
  }
  return { width, height, data };
}
