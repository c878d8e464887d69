// The k best of a line, best first, ties to the lower index: a heap of k with the worst on top, then taken apart. Definition:
// src/scalar/indexed.ts.

// The line that `isWorse` compares.
let line: usize = 0;
let stride: usize = 0;
let wantsLargest: i32 = 0;

export function f32_top_k(
  x: usize, values: usize, indices: usize, scratch: usize, outer: i32, axis: i32, inner: i32, k: i32, largest: i32,
): void {
  stride = <usize>inner << 2;
  wantsLargest = largest;
  for (let o = 0; o < outer; o++) {
    for (let i = 0; i < inner; i++) {
      line = x + (<usize>(o * axis * inner + i) << 2);
      select(scratch, axis, k);
      let at = <usize>(o * k * inner + i) << 2;
      for (let j = 0; j < k; j++, at += stride) {
        const index = load<i32>(scratch + (<usize>j << 2));
        if (values != 0) store<f32>(values + at, valueAt(index));
        if (indices != 0) store<f32>(indices + at, <f32>index);
      }
    }
  }
}

@inline
function valueAt(index: i32): f32 {
  return load<f32>(line + <usize>index * stride);
}

/** Does `a` come after `b`? */
@inline
function isWorse(a: i32, b: i32): bool {
  const va = valueAt(a);
  const vb = valueAt(b);
  if (va == vb) return a > b;
  return wantsLargest ? va < vb : va > vb;
}

/** The k best of `n` in order. */
function select(heap: usize, n: i32, k: i32): void {
  if (k == 0) return;
  for (let i = 0; i < k; i++) store<i32>(heap + (<usize>i << 2), i);
  for (let i = (k >> 1) - 1; i >= 0; i--) sink(heap, i, k, load<i32>(heap + (<usize>i << 2)));
  for (let i = k; i < n; i++) {
    if (isWorse(load<i32>(heap), i)) sink(heap, 0, k, i);
  }
  for (let end = k - 1; end > 0; end--) {
    const last = heap + (<usize>end << 2);
    const moved = load<i32>(last);
    store<i32>(last, load<i32>(heap));
    sink(heap, 0, end, moved);
  }
}

/** Puts `item` at `place` of a heap of `size`, or below, where nothing under it is worse. */
function sink(heap: usize, place: i32, size: i32, item: i32): void {
  for (;;) {
    let child = 2 * place + 1;
    if (child >= size) break;
    let worst = load<i32>(heap + (<usize>child << 2));
    if (child + 1 < size) {
      const other = load<i32>(heap + (<usize>child << 2), 4);
      if (isWorse(other, worst)) {
        worst = other;
        child++;
      }
    }
    if (!isWorse(worst, item)) break;
    store<i32>(heap + (<usize>place << 2), worst);
    place = child;
  }
  store<i32>(heap + (<usize>place << 2), item);
}
