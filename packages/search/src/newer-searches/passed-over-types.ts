/** Types that `run_qtable` of 2022 and `mix_search` never judge (search.md 8.2). */
export const PASSED_OVER: ReadonlySet<string> = new Set(
  ['Input', 'Reshape', 'Softmax', 'Weight', 'MaxPool', 'Slice', 'Tile', 'Permute', 'Upsample'].map(
    (type) => `top.${type}`,
  ),
);
