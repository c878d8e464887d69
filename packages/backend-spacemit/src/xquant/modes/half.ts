import type { XquantConfig } from '../config/settings.ts';
export function convertToHalf(bytes: Uint8Array, _config: XquantConfig): Uint8Array {
  return bytes;
}
