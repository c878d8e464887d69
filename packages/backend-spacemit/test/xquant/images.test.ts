import { resizeArea, resizePillowBilinear } from '@q/dataset';
import { describe, expect, test } from 'vitest';
import { parseConfig } from '../../src/xquant/config/parse-config.ts';
import { imageToTensor } from '../../src/xquant/data/preprocess.ts';

const image = (width: number, height: number) => ({
  width,
  height,
  channels: 3 as const,
  data: Uint8Array.from({ length: width * height * 3 }, (_, i) => (i * 37 + (i >> 3) * 11) & 255),
});
describe('recipes', () => {
  const itemOf = (fields: object) =>
    parseConfig({ calibration_parameters: { input_parametres: [fields] } }).calibration.inputs![0]!;
  const tensor = (fields: object, height: number, width: number, channels = 3) =>
    imageToTensor(image(37, 23), { item: itemOf(fields), channels, height, width });

  test('without preset: stretched, (x − mean) / std, planes in BGR or RGB', () => {
    const small = resizeArea(image(37, 23), 4, 3).data;
    const bgr = tensor({ mean_value: [10, 20, 30], std_value: [2, 4, 8] }, 3, 4);
    const rgb = tensor({ color_format: 'rgb', mean_value: [10, 20, 30], std_value: [2, 4, 8] }, 3, 4);
    expect([bgr[0], bgr[12], bgr[24]]).toEqual([(small[0]! - 10) / 2, (small[1]! - 20) / 4, (small[2]! - 30) / 8]);
    expect([rgb[0], rgb[12], rgb[24]]).toEqual([(small[2]! - 10) / 2, (small[1]! - 20) / 4, (small[0]! - 30) / 8]);
    const [b, g, r] = small as unknown as [number, number, number];
    expect(tensor({}, 3, 4, 1)[0]).toBe(Math.round(0.114 * b + 0.587 * g + 0.299 * r));
  });

  test('IMAGENET: 8/7 of the target by the shorter side, area, centre crop', () => {
    // Target 14: 16 high, so 37·16/23 = 25 wide; the crop starts at (5, 1).
    const resized = resizeArea(image(37, 23), 25, 16).data;
    const found = tensor({ preprocess_file: 'IMAGENET' }, 14, 14);
    expect(found).toHaveLength(3 * 14 * 14);
    expect(found[0]).toBe(resized[(1 * 25 + 5) * 3]);
    expect(found[13]).toBe(resized[(1 * 25 + 18) * 3]);
  });

  test('PT_IMAGENET: the shorter side antialiased, in 0–255 units; means are required', () => {
    const resized = resizePillowBilinear(image(37, 23), 25, 16).data;
    const fields = { preprocess_file: 'PT_IMAGENET', color_format: 'rgb', mean_value: [1, 2, 3], std_value: [2, 2, 2] };
    expect(tensor(fields, 14, 14)[0]).toBe((resized[(1 * 25 + 5) * 3 + 2]! - 1) / 2);
    expect(() => tensor({ preprocess_file: 'PT_IMAGENET' }, 14, 14)).toThrow(/mean_value does not fit/);
    expect(() => tensor({ mean_value: [1, 2] }, 14, 14)).toThrow(/mean_value does not fit/);
  });
});
