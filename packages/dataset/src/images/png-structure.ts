import { imageError } from './image-error.ts';

/** Header facts of a PNG. */
export interface PngStructure {
  readonly width: number;
  readonly height: number;
  readonly bitDepth: number;
  /** 0 grey, 2 RGB, 3 palette, 4 grey and alpha, 6 RGBA. */
  readonly colourType: number;
  /** The `eXIf` chunk. */
  readonly orientationTiff?: Uint8Array;
}

const SIGNATURE_BYTES = 8;

/** Walks the chunks of a PNG; a file that ends before `IEND` is refused. */
export function readPngStructure(bytes: Uint8Array, where: string): PngStructure {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let header: PngStructure | undefined;
  let tiff: Uint8Array | undefined;
  for (let at = SIGNATURE_BYTES; ; ) {
    if (at + 8 > bytes.length) throw imageError(where, 'the PNG is truncated');
    const length = view.getUint32(at);
    const type = String.fromCharCode(...bytes.subarray(at + 4, at + 8));
    if (at + 12 + length > bytes.length) throw imageError(where, 'the PNG is truncated');
    const body = bytes.subarray(at + 8, at + 8 + length);
    if (type === 'IHDR' && length >= 13) header = readHeader(view, at + 8);
    if (type === 'eXIf') tiff = body;
    if (type === 'IEND') break;
    at += 12 + length;
  }
  if (header === undefined) throw imageError(where, 'the PNG has no header');
  return tiff === undefined ? header : { ...header, orientationTiff: tiff };
}

function readHeader(view: DataView, at: number): PngStructure {
  return {
    width: view.getUint32(at),
    height: view.getUint32(at + 4),
    bitDepth: view.getUint8(at + 8),
    colourType: view.getUint8(at + 9),
  };
}
