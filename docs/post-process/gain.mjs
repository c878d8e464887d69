/**
 * For `--post_process`: makes the gain of the outputs count. A picture twice as bright has the same cosine; with a constant of
 * the same size beside it, it has not.
 */
export function PostProcess(outputs) {
  return Object.fromEntries(
    Object.entries(outputs).map(([name, { data }]) => [
      name,
      Float32Array.from({ length: 2 * data.length }, (_, i) => data[i] ?? 0.5),
    ]),
  );
}
