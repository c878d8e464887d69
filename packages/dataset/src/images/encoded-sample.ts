import type { Feeds } from '../dataset.ts';
import { pixelModeOf, preprocessImage } from '../preprocess/preprocess-image.ts';
import type { PreprocessSettings } from '../preprocess/settings.ts';
import { decodeImage } from './decode-image.ts';

/** A network input that takes images. */
export interface ImageInput {
  readonly name: string;
  readonly batch: number;
  readonly settings: PreprocessSettings;
}

/** An image file as it was read. */
export interface EncodedImage {
  readonly file: string;
  readonly bytes: Uint8Array;
}

/** A sample of images before they are decoded, and what is to become of them. Plain data: any thread can do it. */
export interface EncodedSample {
  readonly inputs: readonly ImageInput[];
  /** By input, as many as its batch. */
  readonly images: readonly (readonly EncodedImage[])[];
}

/** Decodes and prepares a sample (calibration.md 3.4). Rejects with a `QError` that names the file. */
export async function decodeSample({ inputs, images }: EncodedSample): Promise<Feeds> {
  const feeds = new Map<string, Float32Array>();
  for (const [at, { name, batch, settings }] of inputs.entries()) {
    const size = settings.channels * settings.height * settings.width;
    const out = new Float32Array(batch * size);
    for (const [k, { file, bytes }] of images[at]!.entries()) {
      const image = await decodeImage(bytes, pixelModeOf(settings), file);
      out.set(preprocessImage(image, settings, file), k * size);
    }
    feeds.set(name, out);
  }
  return feeds;
}
