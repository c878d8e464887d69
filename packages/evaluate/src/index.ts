export { meanSquaredError, psnr } from './psnr.ts';
