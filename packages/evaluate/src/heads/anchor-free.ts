import { CandidateList, type Head, headError, type NetworkOutput, sigmoid } from './head.ts';

/** [1, 4 + classes, n]: centre, size in pixels, then scores (YOLOv8 and later, as exported). */
export const yolov8: Head = (outputs) => {
  const [output] = outputs;
  if (outputs.length !== 1 || output?.shape.length !== 3 || output.shape[1]! < 5) {
    throw headError('yolov8', outputs, 'one output [1, 4 + classes, boxes]');
  }
  const [, fields, count] = output.shape as readonly [number, number, number];
  const list = new CandidateList(fields - 4);
  for (let i = 0; i < count; i++) {
    const at = (field: number): number => output.data[field * count + i]!;
    list.addCentred(at(0), at(1), at(2), at(3), (category) => at(4 + category));
  }
  return list.result();
};

/** Cells of the levels one after another, fine first: column, row and stride of each. */
function* cellsOf(width: number, height: number, strides: readonly number[]) {
  for (const stride of strides) {
    for (let row = 0; row < Math.ceil(height / stride); row++) {
      for (let column = 0; column < Math.ceil(width / stride); column++) yield { column, row, stride };
    }
  }
}

/** [1, n, 5 + classes] over strides 8, 16, 32: centre = (t + cell) · stride, size = exp(t) · stride; scores are done (YOLOX). */
export const yolox: Head = (outputs, { width, height }) => {
  const [output] = outputs;
  const cells = [...cellsOf(width, height, [8, 16, 32])];
  if (outputs.length !== 1 || output?.shape.length !== 3 || output.shape[1] !== cells.length) {
    throw headError('yolox', outputs, `one output [1, ${cells.length}, 5 + classes]`);
  }
  const fields = output.shape[2]!;
  const list = new CandidateList(fields - 5);
  for (const [index, { column, row, stride }] of cells.entries()) {
    const at = (field: number): number => output.data[index * fields + field]!;
    const [x, y] = [(at(0) + column) * stride, (at(1) + row) * stride];
    list.addCentred(x, y, Math.exp(at(2)) * stride, Math.exp(at(3)) * stride, (category) => at(4) * at(5 + category));
  }
  return list.result();
};

/** The side distances of a cell: softmax over the bins of each side, expectation. In strides. */
function distances(output: NetworkOutput, cell: number, bins: number): number[] {
  return [0, 1, 2, 3].map((side) => {
    const start = (cell * 4 + side) * bins;
    let largest = Number.NEGATIVE_INFINITY;
    for (let bin = 0; bin < bins; bin++) largest = Math.max(largest, output.data[start + bin]!);
    let [sum, weighted] = [0, 0];
    for (let bin = 0; bin < bins; bin++) {
      const weight = Math.exp(output.data[start + bin]! - largest);
      sum += weight;
      weighted += weight * bin;
    }
    return weighted / sum;
  });
}

/**
 * Per level a map of class scores [1, n, classes] and one of side distributions [1, n, 4 · bins] (NanoDet of 2021, strides 8, 16,
 * 32): the centre of a cell is its index · stride + (stride − 1) / 2.
 */
export const nanodet: Head = (outputs, { width, height }) => {
  const BINS = 8;
  const list: { stride: number; scores: NetworkOutput; sides: NetworkOutput }[] = [];
  for (const stride of [8, 16, 32]) {
    const cells = Math.ceil(height / stride) * Math.ceil(width / stride);
    const ofLevel = outputs.filter(({ shape }) => shape.at(-2) === cells);
    const sides = ofLevel.find(({ shape }) => shape.at(-1) === 4 * BINS);
    const scores = ofLevel.find((output) => output !== sides);
    if (sides === undefined || scores === undefined) {
      throw headError('nanodet', outputs, `[1, ${cells}, classes] and [1, ${cells}, ${4 * BINS}] for stride ${stride}`);
    }
    list.push({ stride, scores, sides });
  }
  const classes = list[0]!.scores.shape.at(-1)!;
  const candidates = new CandidateList(classes);
  for (const { stride, scores, sides } of list) {
    for (const [index, { column, row }] of [...cellsOf(width, height, [stride])].entries()) {
      const [left, top, right, bottom] = distances(sides, index, BINS).map((side) => side * stride) as [
        number,
        number,
        number,
        number,
      ];
      const [x, y] = [column * stride + (stride - 1) / 2, row * stride + (stride - 1) / 2];
      candidates.addCorners(
        x - left,
        y - top,
        x + right,
        y + bottom,
        (category) => scores.data[index * classes + category]!,
      );
    }
  }
  return candidates.result();
};

/** [1, 5 + classes, h, w]: objectness, tanh of the centre's offset, sigmoid of the size, classes; score = obj^0.6 · class^0.4. */
export const fastestdet: Head = (outputs, { width, height }) => {
  const [output] = outputs;
  if (outputs.length !== 1 || output?.shape.length !== 4 || output.shape[1]! < 6) {
    throw headError('fastestdet', outputs, 'one output [1, 5 + classes, h, w]');
  }
  const [, fields, rows, columns] = output.shape as readonly [number, number, number, number];
  const list = new CandidateList(fields - 5);
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      const at = (field: number): number => output.data[(field * rows + row) * columns + column]!;
      const objectness = at(0) ** 0.6;
      list.addCentred(
        ((Math.tanh(at(1)) + column) / columns) * width,
        ((Math.tanh(at(2)) + row) / rows) * height,
        sigmoid(at(3)) * width,
        sigmoid(at(4)) * height,
        (category) => objectness * at(5 + category) ** 0.4,
      );
    }
  }
  return list.result();
};
