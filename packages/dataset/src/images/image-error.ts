import { QError } from '@q/ir';

/** An image that cannot be used, with the file and the reason. */
export function imageError(where: string, reason: string, hint?: string, cause?: unknown): QError {
  return new QError(
    `The image ${where} cannot be read: ${reason}.`,
    {
      code: 'dataset.image',
      where,
      found: reason,
      expected: 'an 8-bit JPEG (grey, YCbCr or RGB), a PNG, or an uncompressed BMP',
      ...(hint === undefined ? {} : { hint }),
    },
    cause === undefined ? undefined : { cause },
  );
}
