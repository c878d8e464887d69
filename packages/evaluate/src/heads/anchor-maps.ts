import { CandidateList, type Head, type HeadOptions, headError, type NetworkOutput, sigmoid } from './head.ts';

type Anchors = readonly (readonly [number, number])[];

/** The raw map of one level: value `field` of anchor `anchor` in a cell. */
interface AnchorMap {
  readonly anchors: number;
  readonly fields: number;
  readonly height: number;
  readonly width: number;
  at(anchor: number, field: number, row: number, column: number): number;
}

const YOLOV3_TINY: Anchors = [
  [10, 14],
  [23, 27],
  [37, 58],
  [81, 82],
  [135, 169],
  [344, 319],
];
const YOLOV3: Anchors = [
  [10, 13],
  [16, 30],
  [33, 23],
  [30, 61],
  [62, 45],
  [59, 119],
  [116, 90],
  [156, 198],
  [373, 326],
];

/**
 * Reads maps in one of three layouts: [1, anchors · fields, h, w] (a convolution's output), [1, h, w, anchors · fields] (the
 * same transposed), [1, anchors, h, w, fields].
 */
function readMap({ shape, data }: NetworkOutput, perLevel: number): AnchorMap | undefined {
  if (shape.length === 5) {
    const [, anchors, height, width, fields] = shape as readonly [number, number, number, number, number];
    const at = (a: number, f: number, row: number, column: number): number =>
      data[((a * height + row) * width + column) * fields + f]!;
    return anchors === perLevel ? { anchors, fields, height, width, at } : undefined;
  }
  if (shape.length !== 4) return undefined;
  const [, first, second, third] = shape as readonly [number, number, number, number];
  // The channels of three anchors of at least one class; a grid is square or nearly so.
  const isTransposed = Math.abs(second - first) < Math.abs(third - second);
  const [channels, height, width] = isTransposed ? [third, first, second] : [first, second, third];
  if (channels % perLevel !== 0 || channels / perLevel < 6) return undefined;
  const fields = channels / perLevel;
  const at = isTransposed
    ? (a: number, f: number, row: number, column: number): number =>
        data[(row * width + column) * channels + a * fields + f]!
    : (a: number, f: number, row: number, column: number): number =>
        data[((a * fields + f) * height + row) * width + column]!;
  return { anchors: perLevel, fields, height, width, at };
}

type PlaceBox = (
  t: readonly [x: number, y: number, width: number, height: number],
  cell: readonly [column: number, row: number],
  stride: readonly [x: number, y: number],
  anchor: readonly [width: number, height: number],
) => readonly [x: number, y: number, width: number, height: number];

/** YOLOv2, v3, v4: centre = (σ(t) + cell) · stride, size = exp(t) · anchor (Redmon & Farhadi, 2018). */
const yolov3Box: PlaceBox = ([x, y, w, h], cell, stride, anchor) => [
  (sigmoid(x) + cell[0]) * stride[0],
  (sigmoid(y) + cell[1]) * stride[1],
  Math.exp(w) * anchor[0],
  Math.exp(h) * anchor[1],
];

/** YOLOv5, v7: centre = (2σ(t) − ½ + cell) · stride, size = (2σ(t))² · anchor. */
const yolov5Box: PlaceBox = ([x, y, w, h], cell, stride, anchor) => [
  (2 * sigmoid(x) - 0.5 + cell[0]) * stride[0],
  (2 * sigmoid(y) - 0.5 + cell[1]) * stride[1],
  (2 * sigmoid(w)) ** 2 * anchor[0],
  (2 * sigmoid(h)) ** 2 * anchor[1],
];

/**
 * Maps of objectness and class logits per anchor. Levels are told apart by their grids: the finest takes the smallest
 * anchors, in whatever order the outputs come.
 */
function anchorHead(name: string, placeBox: PlaceBox): Head {
  return (outputs, options) => {
    const anchors = options.anchors ?? (outputs.length === 2 ? YOLOV3_TINY : YOLOV3);
    const perLevel = anchors.length / outputs.length;
    const maps = outputs.map((output) => (Number.isInteger(perLevel) ? readMap(output, perLevel) : undefined));
    const fields = maps[0]?.fields ?? 0;
    if (maps.some((map) => map === undefined || map.fields !== fields)) {
      throw headError(name, outputs, `maps of ${perLevel} anchors with 5 + classes numbers each`);
    }
    const levels = (maps as AnchorMap[]).toSorted((a, b) => b.width * b.height - a.width * a.height);
    const list = new CandidateList(fields - 5);
    for (const [level, map] of levels.entries()) {
      addLevel(list, map, { placeBox, anchors: anchors.slice(level * perLevel, (level + 1) * perLevel), options });
    }
    return list.result();
  };
}

interface LevelSettings {
  readonly placeBox: PlaceBox;
  readonly anchors: Anchors;
  readonly options: HeadOptions;
}

function addLevel(list: CandidateList, map: AnchorMap, { placeBox, anchors, options }: LevelSettings): void {
  const stride = [options.width / map.width, options.height / map.height] as const;
  for (let anchor = 0; anchor < map.anchors; anchor++) {
    for (let row = 0; row < map.height; row++) {
      for (let column = 0; column < map.width; column++) {
        const read = (field: number): number => map.at(anchor, field, row, column);
        const objectness = sigmoid(read(4));
        const t = [read(0), read(1), read(2), read(3)] as const;
        const box = placeBox(t, [column, row], stride, anchors[anchor]!);
        list.addCentred(...box, (category) => objectness * sigmoid(read(5 + category)));
      }
    }
  }
}

export const yolov3: Head = anchorHead('yolov3', yolov3Box);
const yolov5Maps: Head = anchorHead('yolov5', yolov5Box);

/** Rows [1, n, 5 + classes] as the exported network decodes them: centre, size, objectness, class scores. */
export const yolov5: Head = (outputs, options) => {
  const rows = outputs[0];
  if (outputs.length === 1 && rows?.shape.length === 3 && rows.shape[2]! > 5) return decodedRows(rows);
  return yolov5Maps(outputs, options);
};

function decodedRows({ shape, data }: NetworkOutput): ReturnType<Head> {
  const [, count, fields] = shape as readonly [number, number, number];
  const list = new CandidateList(fields - 5);
  for (let row = 0; row < count; row++) {
    const start = row * fields;
    const [x, y, width, height] = [0, 1, 2, 3].map((field) => data[start + field]!) as [number, number, number, number];
    list.addCentred(x, y, width, height, (category) => data[start + 4]! * data[start + 5 + category]!);
  }
  return list.result();
}
