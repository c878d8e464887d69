/**
 * For `--post_process`: what detections are made of, from outputs that hold boxes and scores: rows of x, y, w, h, object and
 * classes as YOLOv3 and v5 have them, or columns of x, y, w, h and classes as YOLOv8. Boxes count as far as there is an object.
 */
const BOX = 4;

export function PostProcess(outputs) {
  const [scores, boxes] = [[], []];
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
      for (let field = 0; field < BOX; field++) boxes.push(best * at(index, field));
    }
  }
  return { scores: Float32Array.from(scores), boxes: Float32Array.from(boxes) };
}
