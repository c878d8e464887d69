import { psnr } from '@q/evaluate';
import { same } from './expect.mjs';

export default async function probe() {
  same('decibels', psnr([0, 0.1], [0, 0], 1), 10 * Math.log10(1 / ((0.1 * 0.1) / 2)));
}
