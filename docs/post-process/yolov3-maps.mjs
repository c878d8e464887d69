/**
 * For `--post_process`: what detections are made of, from the raw maps of scenes-yolov3-tiny: scores, and boxes as far as there
 * is an object in them.
 */

/** Widths and heights by the width of the map. */
const ANCHORS = { 16: [15, 15, 20, 20, 27, 27], 8: [34, 34, 46, 46, 62, 62] };
const INPUT = 128;

const sigmoid = (x) => 1 / (1 + Math.exp(-x));

export function PostProcess(outputs) {
  const [scores, boxes] = [[], []];
  for (const { data, shape } of Object.values(outputs)) {
    const [, channels, height, width] = shape;
    const anchors = ANCHORS[width];
    const count = anchors.length / 2;
    const [fields, plane] = [channels / count, height * width];
    for (let anchor = 0; anchor < count; anchor++) {
      for (let cell = 0; cell < plane; cell++) {
        const at = (field) => data[(anchor * fields + field) * plane + cell];
        const object = sigmoid(at(4));
        for (let field = 5; field < fields; field++) scores.push(object * sigmoid(at(field)));
        boxes.push(
          (object * sigmoid(at(0)) * INPUT) / width,
          (object * sigmoid(at(1)) * INPUT) / height,
          object * Math.exp(at(2)) * anchors[2 * anchor],
          object * Math.exp(at(3)) * anchors[2 * anchor + 1],
        );
      }
    }
  }
  return { scores: Float32Array.from(scores), boxes: Float32Array.from(boxes) };
}
