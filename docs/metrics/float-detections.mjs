/**
 * For `--metric`: average precision of the quantized network's detections where the float network's are the truth, so that no labels
 * are needed. For outputs that hold boxes and scores: rows of x, y, w, h, object and classes as YOLOv3 and v5 have them, or
 * columns of x, y, w, h and classes as YOLOv8. With labels: answer them as `truths`, found by `image.files`.
 */
const BOX = 4;
/** What the float network must be this sure of to count as the truth. */
const TRUE = 0.3;
const LEAST = 0.001;
const SUPPRESSED = 0.65;
const OVERLAPS = Array.from({ length: 10 }, (_, i) => 0.5 + 0.05 * i);

export function metric(float, quantized) {
  return { truths: detections(float, TRUE), found: detections(quantized, LEAST) };
}

/** Mean over classes and overlaps, as COCO's AP; recall in steps of the truths. */
export function summarize(images) {
  const categories = new Set(images.flatMap(({ truths }) => truths.map(({ category }) => category)));
  const precisions = [...categories].flatMap((category) =>
    OVERLAPS.map((least) => precisionOf(images, category, least)),
  );
  return precisions.length === 0 ? 0 : precisions.reduce((sum, value) => sum + value, 0) / precisions.length;
}

function precisionOf(images, category, least) {
  const rows = [];
  let truthCount = 0;
  for (const { truths, found } of images) {
    const free = truths.filter((truth) => truth.category === category);
    truthCount += free.length;
    for (const box of found.filter((one) => one.category === category)) {
      const nearest = free.reduce((best, truth) => (overlap(box, truth) > overlap(box, best) ? truth : best), NOTHING);
      const isRight = overlap(box, nearest) >= least;
      if (isRight) free.splice(free.indexOf(nearest), 1);
      rows.push({ score: box.score, isRight });
    }
  }
  rows.sort((a, b) => b.score - a.score);
  let right = 0;
  const steps = rows.flatMap(({ isRight }, index) => (isRight ? [++right / (index + 1)] : []));
  // Precision at a recall is the best one at that recall or beyond.
  for (let at = steps.length - 2; at >= 0; at--) steps[at] = Math.max(steps[at], steps[at + 1]);
  return steps.reduce((sum, precision) => sum + precision, 0) / truthCount;
}

/** By falling score, without those that a better one of the class covers. */
function detections(outputs, least) {
  const kept = [];
  for (const box of Object.values(outputs)
    .flatMap((output) => boxes(output, least))
    .sort((a, b) => b.score - a.score)) {
    const isCovered = ({ category, ...other }) => category === box.category && overlap(box, other) > SUPPRESSED;
    if (!kept.some(isCovered)) kept.push(box);
  }
  return kept;
}

function boxes({ data, shape }, least) {
  const [, first, last] = shape;
  const isColumns = first < last;
  const [count, fields] = isColumns ? [last, first] : [first, last];
  const classes = isColumns ? BOX : BOX + 1;
  const found = [];
  for (let index = 0; index < count; index++) {
    const at = (field) => (isColumns ? data[field * count + index] : data[index * fields + field]);
    for (let field = classes; field < fields; field++) {
      const score = (isColumns ? 1 : at(BOX)) * at(field);
      if (!(score > least)) continue;
      const [x, y, w, h] = [at(0), at(1), at(2), at(3)];
      found.push({ category: field - classes, score, x0: x - w / 2, y0: y - h / 2, x1: x + w / 2, y1: y + h / 2 });
    }
  }
  return found;
}

const NOTHING = { x0: 0, y0: 0, x1: 0, y1: 0 };

/** Intersection over union. */
function overlap(a, b) {
  const width = Math.min(a.x1, b.x1) - Math.max(a.x0, b.x0);
  const height = Math.min(a.y1, b.y1) - Math.max(a.y0, b.y0);
  if (!(width > 0 && height > 0)) return 0;
  const area = ({ x0, y0, x1, y1 }) => (x1 - x0) * (y1 - y0);
  return (width * height) / (area(a) + area(b) - width * height);
}
