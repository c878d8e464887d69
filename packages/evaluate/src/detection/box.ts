/** A box by two corners, in pixels; x to the right, y down. Width is `x1 − x0`: corners are edges, not pixels. */
export interface Box {
  readonly x0: number;
  readonly y0: number;
  readonly x1: number;
  readonly y1: number;
}

export function areaOf(box: Box): number {
  return Math.max(box.x1 - box.x0, 0) * Math.max(box.y1 - box.y0, 0);
}

function sharedArea(a: Box, b: Box): number {
  const width = Math.min(a.x1, b.x1) - Math.max(a.x0, b.x0);
  const height = Math.min(a.y1, b.y1) - Math.max(a.y0, b.y0);
  return width > 0 && height > 0 ? width * height : 0;
}

/** Shared area over joint area, 0..1; 0 for empty boxes. */
export function intersectionOverUnion(a: Box, b: Box): number {
  const shared = sharedArea(a, b);
  return shared === 0 ? 0 : shared / (areaOf(a) + areaOf(b) - shared);
}

/** Shared area over the area of `a`: COCO's overlap with a crowd region `b`. */
export function intersectionOverFirst(a: Box, b: Box): number {
  const shared = sharedArea(a, b);
  return shared === 0 ? 0 : shared / areaOf(a);
}
