import type { XquantConfig } from '../config/settings.ts';
export function quantizeDynamically(bytes: Uint8Array, _config: XquantConfig): Uint8Array {
  return bytes;
}
