/**
 * Greedy reading of connectionist temporal classification (Graves et al., 2006): the likeliest symbol of each step, repeats
 * merged, blanks dropped.
 *
 * @param scores `steps` × `symbols` scores, step by step.
 * @param blank Index of the blank.
 */
export function readGreedily(scores: ArrayLike<number>, symbols: number, blank: number): number[] {
  const read: number[] = [];
  let previous = blank;
  for (let step = 0; step < scores.length / symbols; step++) {
    let best = 0;
    for (let symbol = 1; symbol < symbols; symbol++) {
      if (scores[step * symbols + symbol]! > scores[step * symbols + best]!) best = symbol;
    }
    if (best !== blank && best !== previous) read.push(best);
    previous = best;
  }
  return read;
}

/** Levenshtein's distance: how many insertions, deletions and replacements make `left` of `right`. */
export function editDistance(left: string, right: string): number {
  let row = Array.from({ length: right.length + 1 }, (_, index) => index);
  for (let i = 0; i < left.length; i++) {
    const next = [i + 1];
    for (let j = 0; j < right.length; j++) {
      next.push(Math.min(row[j + 1]! + 1, next[j]! + 1, row[j]! + (left[i] === right[j] ? 0 : 1)));
    }
    row = next;
  }
  return row[right.length]!;
}
