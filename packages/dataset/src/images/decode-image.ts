import { decodeBmp } from './bmp.ts';
import { imageError } from './image-error.ts';
import { decodeJpeg } from './jpeg.ts';
import type { PixelImage, PixelMode } from './pixel-image.ts';
import { decodePng } from './png.ts';

const PNG_SIGNATURE = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a];

/** Decodes an image by what its first bytes say it is (as OpenCV does), whatever its name. */
export async function decodeImage(bytes: Uint8Array, mode: PixelMode, where: string): Promise<PixelImage> {
  if (bytes.length === 0) throw imageError(where, 'the file is empty');
  if (bytes[0] === 0xff && bytes[1] === 0xd8) return decodeJpeg(bytes, mode, where);
  if (PNG_SIGNATURE.every((byte, i) => bytes[i] === byte)) return decodePng(bytes, mode, where);
  if (bytes[0] === 0x42 && bytes[1] === 0x4d) return decodeBmp(bytes, mode, where);
  throw imageError(where, 'it is neither a JPEG, a PNG nor a BMP file');
}
