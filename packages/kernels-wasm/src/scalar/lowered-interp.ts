const f = Math.fround;

/** For every output position of one axis: the element before it, and how far beyond that it lies. */
export interface InterpAxis {
  readonly first: ArrayLike<number>;
  readonly distance: ArrayLike<number>;
}

/** Linear interpolation of planes: a + d·(b − a) down the columns, then along the rows, in f32. */
export function loweredInterp(
  x: Float32Array,
  { planes, ih, iw }: { readonly planes: number; readonly ih: number; readonly iw: number },
  rows: InterpAxis,
  columns: InterpAxis,
): Float32Array {
  const between = (a: number, b: number, distance: number): number => f(a + f(f(distance) * f(b - a)));
  const y: number[] = [];
  for (let plane = 0; plane < planes; plane++) {
    for (let oy = 0; oy < rows.first.length; oy++) {
      const [above, below] = [rows.first[oy]!, Math.min(rows.first[oy]! + 1, ih - 1)];
      const at = (column: number): number =>
        between(x[(plane * ih + above) * iw + column]!, x[(plane * ih + below) * iw + column]!, rows.distance[oy]!);
      for (let ox = 0; ox < columns.first.length; ox++) {
        const left = columns.first[ox]!;
        y.push(between(at(left), at(Math.min(left + 1, iw - 1)), columns.distance[ox]!));
      }
    }
  }
  return Float32Array.from(y);
}
