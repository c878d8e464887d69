// What the windows of convolutions are like, for kernels that have a path of their own for some.

/** 1x1 at stride 1 without padding: a matrix product. */
@inline
export function isPointwise(kh: i32, kw: i32, sh: i32, sw: i32, pt: i32, pl: i32, pb: i32, pr: i32): bool {
  return kh == 1 && kw == 1 && sh == 1 && sw == 1 && (pt | pl | pb | pr) == 0;
}

/** 3x3 that halves the size, padded by one on one side of each dimension at most. */
@inline
export function isHalving3x3(
  ih: i32, iw: i32, oh: i32, ow: i32, kh: i32, kw: i32, sh: i32, sw: i32, dh: i32, dw: i32, pt: i32, pl: i32,
): bool {
  return kh == 3 && kw == 3 && sh == 2 && sw == 2 && dh * dw == 1 && pt < 2 && pl < 2 && ih == 2 * oh && iw == 2 * ow;
}
