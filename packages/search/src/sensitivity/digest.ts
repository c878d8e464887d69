const FACTORS = [0x239b961b, 0xab0e9789, 0x38b34ae5, 0xa1e38b93] as const;
const BLOCK = 16;

const rotated = (value: number, by: number): number => (value << by) | (value >>> (32 - by));

/**
 * 128 bits of `bytes` as hexadecimal digits: MurmurHash3 (Appleby, x86 form) over zero-padded blocks. Tells data apart that
 * differ by accident, not by malice.
 */
export function digestOf(bytes: Uint8Array): string {
  const state = new Int32Array(4);
  const whole = bytes.length - (bytes.length % BLOCK);
  mixBlocks(state, bytes.byteOffset % 4 === 0 ? bytes : bytes.slice(), whole);
  if (whole < bytes.length) {
    const last = new Uint8Array(BLOCK);
    last.set(bytes.subarray(whole));
    mixBlocks(state, last, BLOCK);
  }
  return finished(state, bytes.length);
}

/** 128 bits of a text. */
export function digestOfText(text: string): string {
  return digestOf(new TextEncoder().encode(text));
}

function mixBlocks(state: Int32Array, bytes: Uint8Array, length: number): void {
  const words = new Int32Array(bytes.buffer, bytes.byteOffset, length / 4);
  const [c1, c2, c3, c4] = FACTORS;
  let [h1, h2, h3, h4] = state as unknown as [number, number, number, number];
  for (let i = 0; i < words.length; i += 4) {
    h1 = Math.imul(rotated(h1 ^ Math.imul(rotated(Math.imul(words[i]!, c1), 15), c2), 19) + h2, 5) + 0x561ccd1b;
    h2 = Math.imul(rotated(h2 ^ Math.imul(rotated(Math.imul(words[i + 1]!, c2), 16), c3), 17) + h3, 5) + 0x0bcaa747;
    h3 = Math.imul(rotated(h3 ^ Math.imul(rotated(Math.imul(words[i + 2]!, c3), 17), c4), 15) + h4, 5) + 0x96cd1c35;
    h4 = Math.imul(rotated(h4 ^ Math.imul(rotated(Math.imul(words[i + 3]!, c4), 18), c1), 13) + h1, 5) + 0x32ac3b17;
  }
  state.set([h1, h2, h3, h4]);
}

function finished(state: Int32Array, length: number): string {
  let [h1, h2, h3, h4] = [...state].map((word) => word ^ length) as [number, number, number, number];
  const share = (): void => {
    h1 = (h1 + h2 + h3 + h4) | 0;
    h2 = (h2 + h1) | 0;
    h3 = (h3 + h1) | 0;
    h4 = (h4 + h1) | 0;
  };
  share();
  [h1, h2, h3, h4] = [avalanche(h1), avalanche(h2), avalanche(h3), avalanche(h4)];
  share();
  return [h1, h2, h3, h4].map((word) => (word >>> 0).toString(16).padStart(8, '0')).join('');
}

function avalanche(word: number): number {
  let h = word ^ (word >>> 16);
  h = Math.imul(h, 0x85ebca6b);
  h ^= h >>> 13;
  h = Math.imul(h, 0xc2b2ae35);
  return h ^ (h >>> 16);
}
