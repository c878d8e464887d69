import type { PreprocessOptions } from '@q/ir/onnx';

/** What model_transform prints of the preprocessing before it converts (cli.md 3.2): a box, then one line per setting. */
export function preprocessBanner(input: PreprocessOptions): string[] {
  const settings: [string, unknown][] = [
    ['resize_dims', input.resizeDims],
    ['keep_aspect_ratio', input.keepAspectRatio],
    ['keep_ratio_mode', input.keepRatioMode],
    ['pad_value', input.padValue],
    ['pad_type', input.padType],
    ['mean', input.mean],
    ['scale', input.scale],
    ['pixel_format', input.pixelFormat],
    ['channel_format', input.channelFormat],
  ];
  const width = Math.max(...settings.map(([name]) => name.length));
  const rule = ` ${'_'.repeat(53)} `;
  return [
    rule,
    `| ${'preprocess:'.padEnd(52)}|`,
    `| ${'  (x - mean) * scale'.padEnd(52)}|`,
    `'${'-'.repeat(53)}'`,
    'config Preprocess args : ',
    ...settings
      .filter(([, value]) => value !== undefined)
      .map(
        ([name, value]) =>
          `\t${name.padEnd(width)} : ${Array.isArray(value) ? `[${value.join(', ')}]` : String(value)}`,
      ),
    '',
  ];
}
