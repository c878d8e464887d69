import { imageError } from './image-error.ts';

/** A marker segment: `start` is the offset of its 0xFF, `body` that of its payload, `end` the offset after it. */
export interface Segment {
  readonly marker: number;
  readonly start: number;
  readonly body: number;
  readonly end: number;
}

export interface JpegComponent {
  readonly id: number;
  readonly quantTable: number;
}

/** What a JPEG says of itself before its first scan. */
export interface JpegStructure {
  readonly width: number;
  readonly height: number;
  readonly components: readonly JpegComponent[];
  /** As libjpeg decides it from the JFIF and Adobe markers and the component ids. */
  readonly colourSpace: 'gray' | 'ycc' | 'rgb' | 'cmyk';
  readonly orientationTiff?: Uint8Array;
  /** The frame header. */
  readonly frame: Segment;
  /** All segments up to and including the first start of scan. */
  readonly segments: readonly Segment[];
}

export const DQT = 0xdb;
const SOS = 0xda;
const APP0 = 0xe0;
const APP1 = 0xe1;
const APP14 = 0xee;
const EXIF_HEADER_BYTES = 6;

export function isFrameMarker(marker: number): boolean {
  return marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker);
}

/** Walks the header segments of a JPEG stream. */
export function readJpegStructure(bytes: Uint8Array, where: string): JpegStructure {
  const segments = readSegments(bytes, where);
  const frame = segments.find(({ marker }) => isFrameMarker(marker));
  if (frame === undefined || frame.end - frame.body < 6) throw imageError(where, 'it has no JPEG frame header');
  const precision = bytes[frame.body]!;
  if (precision !== 8) throw imageError(where, `it has ${precision} bits per channel`);
  const height = bytes[frame.body + 1]! * 256 + bytes[frame.body + 2]!;
  const width = bytes[frame.body + 3]! * 256 + bytes[frame.body + 4]!;
  if (width === 0 || height === 0) throw imageError(where, `its size is ${width}x${height}`);
  const components = readComponents(bytes, frame, where);
  const exif = segments.find(({ marker, body }) => marker === APP1 && startsWith(bytes, body, 'Exif\0'));
  return {
    width,
    height,
    components,
    colourSpace: colourSpaceOf(bytes, segments, components, where),
    ...(exif === undefined ? {} : { orientationTiff: bytes.subarray(exif.body + EXIF_HEADER_BYTES, exif.end) }),
    frame,
    segments,
  };
}

function readSegments(bytes: Uint8Array, where: string): Segment[] {
  const segments: Segment[] = [];
  let at = 2;
  for (;;) {
    const start = at;
    while (bytes[at] === 0xff && bytes[at + 1] === 0xff) at++;
    const marker = bytes[at + 1];
    if (bytes[at] !== 0xff || marker === undefined) throw imageError(where, 'the JPEG header is truncated or damaged');
    if (at + 4 > bytes.length) throw imageError(where, 'the JPEG header is truncated');
    const length = bytes[at + 2]! * 256 + bytes[at + 3]!;
    const end = at + 2 + length;
    if (length < 2 || end > bytes.length) throw imageError(where, 'the JPEG header is truncated or damaged');
    segments.push({ marker, start, body: at + 4, end });
    if (marker === SOS) return segments;
    at = end;
  }
}

function readComponents(bytes: Uint8Array, frame: Segment, where: string): JpegComponent[] {
  const count = bytes[frame.body + 5]!;
  if (frame.body + 6 + 3 * count > frame.end) throw imageError(where, 'the JPEG frame header is damaged');
  return Array.from({ length: count }, (_, i) => {
    const at = frame.body + 6 + 3 * i;
    return { id: bytes[at]!, quantTable: bytes[at + 2]! };
  });
}

function colourSpaceOf(
  bytes: Uint8Array,
  segments: readonly Segment[],
  components: readonly JpegComponent[],
  where: string,
): JpegStructure['colourSpace'] {
  if (components.length === 1) return 'gray';
  if (components.length === 4) return 'cmyk';
  if (components.length !== 3) throw imageError(where, `it has ${components.length} colour components`);
  if (segments.some(({ marker, body }) => marker === APP0 && startsWith(bytes, body, 'JFIF\0'))) return 'ycc';
  const adobe = segments.find(({ marker, body }) => marker === APP14 && startsWith(bytes, body, 'Adobe'));
  if (adobe !== undefined && adobe.end - adobe.body >= 12) return bytes[adobe.body + 11] === 0 ? 'rgb' : 'ycc';
  return components.map(({ id }) => String.fromCharCode(id)).join('') === 'RGB' ? 'rgb' : 'ycc';
}

function startsWith(bytes: Uint8Array, at: number, text: string): boolean {
  return [...text].every((letter, i) => bytes[at + i] === letter.charCodeAt(0));
}
