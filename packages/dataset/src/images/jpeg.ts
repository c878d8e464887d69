import mozjpegFactory from '@jsquash/jpeg/codec/dec/mozjpeg_dec.js';
import { codecModule } from './codec-modules.ts';
import { orientationOf } from './exif.ts';
import { imageError } from './image-error.ts';
import { withNeutralChroma } from './jpeg-luma.ts';
import { type JpegStructure, readJpegStructure } from './jpeg-structure.ts';
import { orient } from './orientation.ts';
import { type PixelImage, type PixelMode, type RgbaPixels, rgbaImage, rgbaToBgr, rgbaToGray } from './pixel-image.ts';

interface JpegCodec {
  decode(bytes: ArrayBuffer, preserveOrientation: boolean): RgbaPixels | null;
}
interface CodecOptions {
  readonly noInitialRun: true;
  readonly printErr: (text: string) => void;
  readonly instantiateWasm?: (
    imports: WebAssembly.Imports,
    done: (instance: WebAssembly.Instance) => void,
  ) => WebAssembly.Exports;
}
const createCodec = mozjpegFactory as unknown as (options: CodecOptions) => Promise<JpegCodec>;

let codec: Promise<JpegCodec> | undefined;
let complaints: string[] = [];

/**
 * Decodes a JPEG as OpenCV's `imread` does, bit for bit: libjpeg's integer transform with fancy upsampling, EXIF
 * orientation applied (not in `rgba` mode, where TPU-MLIR reads without it).
 */
export async function decodeJpeg(bytes: Uint8Array, mode: PixelMode, where: string): Promise<PixelImage> {
  const jpeg = readJpegStructure(bytes, where);
  if (jpeg.colourSpace === 'cmyk') throw imageError(where, 'it is a CMYK JPEG', 'convert it to RGB first');
  const lumaOnly = mode === 'gray' && jpeg.colourSpace === 'ycc';
  const pixels = await runCodec(lumaOnly ? withNeutralChroma(bytes, jpeg) : bytes, where);
  const image = toMode(pixels, mode, jpeg.colourSpace);
  const turned = mode !== 'rgba' && jpeg.orientationTiff !== undefined;
  return turned ? orient(image, orientationOf(jpeg.orientationTiff)) : image;
}

function toMode(pixels: RgbaPixels, mode: PixelMode, colourSpace: JpegStructure['colourSpace']): PixelImage {
  if (mode === 'bgr') return rgbaToBgr(pixels);
  if (mode === 'rgba') return rgbaImage(pixels);
  return rgbaToGray(pixels, colourSpace === 'rgb' ? libjpegGray : (r) => r);
}

/** libjpeg's conversion of an RGB-coded JPEG to grey: 16-bit fixed point, rounded (jccolor.c). */
function libjpegGray(r: number, g: number, b: number): number {
  return (19595 * r + 38470 * g + 7471 * b + 32768) >> 16;
}

async function runCodec(bytes: Uint8Array, where: string): Promise<RgbaPixels> {
  codec ??= startCodec();
  const { decode } = await codec;
  complaints = [];
  let pixels: RgbaPixels | null;
  try {
    pixels = decode(new Uint8Array(bytes).buffer, false);
  } catch (cause) {
    // libjpeg left by way of exit(): this instance is done for.
    codec = undefined;
    throw imageError(where, reasonOf(cause), undefined, cause);
  }
  const premature = complaints.find((text) => /premature end/i.test(text));
  if (premature !== undefined) throw imageError(where, 'the file is truncated', 'copy the file again or leave it out');
  if (pixels === null) throw imageError(where, complaints[0] ?? 'the JPEG data cannot be decoded');
  return pixels;
}

async function startCodec(): Promise<JpegCodec> {
  const module = await codecModule('jpeg');
  const options: CodecOptions = { noInitialRun: true, printErr: (text) => void complaints.push(text) };
  if (module === undefined) return createCodec(options);
  return createCodec({
    ...options,
    instantiateWasm(imports, done) {
      const instance = new WebAssembly.Instance(module, imports);
      done(instance);
      return instance.exports;
    },
  });
}

function reasonOf(cause: unknown): string {
  return complaints[0] ?? (cause instanceof Error ? cause.message : 'the JPEG data cannot be decoded');
}
