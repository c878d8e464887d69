/**
 * For `--post_process`: what detections are made of, from the raw maps of scenes-yolov3-tiny: scores, and centres and sizes of boxes
 * as far as there is an object in them. Each has a likeness of its own: large boxes do not drown where small ones lie.
 */

const ANCHORS = 3;

const sigmoid = (x) => 1 / (1 + Math.exp(-x));

export function PostProcess(outputs) {
  const [scores, centres, sizes] = [[], [], []];
  for (const { data, shape } of Object.values(outputs)) {
    const [, channels, height, width] = shape;
    const [fields, plane] = [channels / ANCHORS, height * width];
    for (let anchor = 0; anchor < ANCHORS; anchor++) {
      for (let cell = 0; cell < plane; cell++) {
        const at = (field) => data[(anchor * fields + field) * plane + cell];
        const object = sigmoid(at(4));
        for (let field = 5; field < fields; field++) scores.push(object * sigmoid(at(field)));
        centres.push(object * (sigmoid(at(0)) - 0.5), object * (sigmoid(at(1)) - 0.5));
        sizes.push(object * at(2), object * at(3));
      }
    }
  }
  return { scores: Float32Array.from(scores), centres: Float32Array.from(centres), sizes: Float32Array.from(sizes) };
}
