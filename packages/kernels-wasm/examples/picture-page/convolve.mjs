import { loadKernels } from '@q/kernels-wasm';

const kernels = await loadKernels();

/**
 * A picture through a 3x3 kernel, channel by channel; alpha stays. Edges see zeros beyond the border.
 *
 * @param {{ width: number, height: number, data: Uint8ClampedArray }} picture RGBA, as `ImageData`
 * @param {readonly number[]} taps nine weights, row by row
 * @returns {Uint8ClampedArray<ArrayBuffer>} RGBA of the same size
 */
export function convolve({ width, height, data }, taps) {
  const { exports, arena } = kernels;
  const pixels = width * height;
  arena.reset();
  const x = arena.allocF32(3 * pixels);
  const y = arena.allocF32(3 * pixels);
  // One 3x3 filter per channel: a depthwise convolution, as many groups as channels.
  const weights = arena.place(Float32Array.from([...taps, ...taps, ...taps]));
  const packed = arena.alloc(exports.f32_conv2d_packed_bytes(3, 3, 3, 3, 3));
  exports.f32_conv2d_pack(weights, packed, 3, 3, 3, 3, 3);
  const shape = [3, height, width, 3, 3, 3, 1, 1, 1, 1, 1, 1, 1, 1, 3];
  const scratch = arena.alloc(exports.f32_conv2d_scratch_bytes(...shape));

  const planes = arena.f32(x, 3 * pixels);
  for (let i = 0; i < pixels; i++) for (let c = 0; c < 3; c++) planes[c * pixels + i] = data[4 * i + c];
  exports.f32_conv2d(x, packed, 0, y, scratch, 1, ...shape, 0, 255);

  const result = Uint8ClampedArray.from(data);
  const filtered = arena.f32(y, 3 * pixels);
  for (let i = 0; i < pixels; i++) for (let c = 0; c < 3; c++) result[4 * i + c] = filtered[c * pixels + i];
  return result;
}
