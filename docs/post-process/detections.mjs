/**
 * For `--post_process`: what detections are made of, from outputs that hold boxes and scores: rows of x, y, w, h, object and
 * classes as YOLOv3 and v5 have them, or columns of x, y, w, h and classes as YOLOv8. Scores, centres and sizes of boxes each
 * have a likeness of their own; centres and sizes count as far as there is an object.
 */
const BOX = 4;

/** Pixels. A centre is an angle, one turn long: a shift counts alike wherever it happens. About twice as large as a usual box. */
const TURN = 64;

/** Pixels. Sizes count by how far their logarithms are from that of this one: a usual box. */
const SIZE = 32;

export function PostProcess(outputs) {
  const [scores, centres, sizes] = [[], [], []];
  for (const { data, shape } of Object.values(outputs)) {
    const [, first, last] = shape;
    const isColumns = first < last;
    const [count, fields] = isColumns ? [last, first] : [first, last];
    const at = (index, field) => (isColumns ? data[field * count + index] : data[index * fields + field]);
    for (let index = 0; index < count; index++) {
      const object = isColumns ? 1 : at(index, BOX);
      let best = 0;
      for (let field = isColumns ? BOX : BOX + 1; field < fields; field++) {
        const score = object * at(index, field);
        scores.push(score);
        best = Math.max(best, score);
      }
      for (const pixels of [at(index, 0), at(index, 1)]) {
        const angle = (2 * Math.PI * pixels) / TURN;
        centres.push(best * Math.cos(angle), best * Math.sin(angle));
      }
      for (const pixels of [at(index, 2), at(index, 3)]) sizes.push(best * Math.log(Math.max(pixels, 1) / SIZE));
    }
  }
  return { scores: Float32Array.from(scores), centres: Float32Array.from(centres), sizes: Float32Array.from(sizes) };
}
