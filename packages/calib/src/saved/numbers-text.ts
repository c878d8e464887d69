/** Whole counts as base64 of little-endian u32, or of f64 where one is too large. */
export interface CountsText {
  readonly type: 'u32' | 'f64';
  readonly data: string;
}

export function countsToText(counts: Float64Array): CountsText {
  const small = counts.every((count) => count < 2 ** 32);
  return small ? { type: 'u32', data: toBase64(Uint32Array.from(counts)) } : { type: 'f64', data: toBase64(counts) };
}

export function countsFromText({ type, data }: CountsText): Float64Array {
  const bytes = fromBase64(data);
  return type === 'u32' ? Float64Array.from(new Uint32Array(bytes)) : new Float64Array(bytes);
}

export function floatsToText(values: Float32Array | Float64Array): string {
  return toBase64(values);
}

export function floats32FromText(text: string): Float32Array {
  return new Float32Array(fromBase64(text));
}

export function floats64FromText(text: string): Float64Array {
  return new Float64Array(fromBase64(text));
}

const CHUNK = 0x8000;

function toBase64(values: Uint32Array | Float32Array | Float64Array): string {
  const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
  let text = '';
  for (let at = 0; at < bytes.length; at += CHUNK) text += String.fromCharCode(...bytes.subarray(at, at + CHUNK));
  return btoa(text);
}

function fromBase64(text: string): ArrayBuffer {
  const binary = atob(text);
  return Uint8Array.from(binary, (character) => character.charCodeAt(0)).buffer;
}
