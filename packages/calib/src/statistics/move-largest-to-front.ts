/**
 * Reorders values so that the `count` largest come first, in any order, and answers the least of those: Hoare's selection,
 * which takes a time proportional to their number. 1 <= count <= values.length; no NaN.
 */
export function moveLargestToFront(values: Float32Array, count: number): number {
  const last = count - 1;
  let from = 0;
  let to = values.length - 1;
  while (from < to) {
    const pivot = middleOfThree(values[from]!, values[(from + to) >> 1]!, values[to]!);
    let i = from;
    let j = to;
    while (i <= j) {
      while (values[i]! > pivot) i++;
      while (values[j]! < pivot) j--;
      if (i > j) break;
      const swapped = values[i]!;
      values[i++] = values[j]!;
      values[j--] = swapped;
    }
    if (last <= j) to = j;
    else if (last >= i) from = i;
    else break;
  }
  return values[last]!;
}

function middleOfThree(a: number, b: number, c: number): number {
  return Math.max(Math.min(a, b), Math.min(Math.max(a, b), c));
}
