import { DQT, type JpegStructure } from './jpeg-structure.ts';

/**
 * OpenCV reads a colour JPEG as grey by taking its luma channel as decoded, before any colour conversion. The codec only
 * gives RGB, so the stream is rewritten: the chroma components get a quantization table of zeros. Their samples then
 * decode to the neutral 128, and R = G = B = Y exactly.
 */
export function withNeutralChroma(bytes: Uint8Array, jpeg: JpegStructure): Uint8Array {
  const zeroTable = (jpeg.components[0]!.quantTable + 1) % 4;
  const parts: Uint8Array[] = [bytes.subarray(0, 2)];
  for (const segment of jpeg.segments) {
    const whole = bytes.subarray(segment.start, segment.end);
    if (segment.marker === DQT) {
      parts.push(...quantTablesExcept(bytes.subarray(segment.body, segment.end), zeroTable));
    } else if (segment === jpeg.frame) {
      parts.push(quantTable(new Uint8Array([zeroTable, ...new Uint8Array(64)])));
      parts.push(withChromaTable(whole, segment.body - segment.start, jpeg.components.length, zeroTable));
    } else {
      parts.push(whole);
    }
  }
  parts.push(bytes.subarray(jpeg.segments.at(-1)!.end));
  return concatenate(parts);
}

/** Splits a DQT payload into one segment per table (8-bit or 16-bit entries) and drops the table `dropped`. */
function quantTablesExcept(payload: Uint8Array, dropped: number): Uint8Array[] {
  const kept: Uint8Array[] = [];
  let at = 0;
  while (at < payload.length) {
    const size = 1 + (payload[at]! >> 4 ? 128 : 64);
    if ((payload[at]! & 15) !== dropped) kept.push(quantTable(payload.subarray(at, at + size)));
    at += size;
  }
  return kept;
}

function quantTable(payload: Uint8Array): Uint8Array {
  const length = payload.length + 2;
  return new Uint8Array([0xff, DQT, length >> 8, length & 255, ...payload]);
}

function withChromaTable(segment: Uint8Array, body: number, components: number, table: number): Uint8Array {
  const out = segment.slice();
  for (let i = 1; i < components; i++) out[body + 6 + 3 * i + 2] = table;
  return out;
}

function concatenate(parts: readonly Uint8Array[]): Uint8Array {
  const out = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}
