import { areaOf, type Box, intersectionOverFirst, intersectionOverUnion } from './box.ts';

export interface Detection extends Box {
  readonly score: number;
  /** Class index. */
  readonly category: number;
}

export interface Truth extends Box {
  readonly category: number;
  /** A region of many objects: detections in it are neither right nor wrong. */
  readonly isCrowd?: boolean;
  /** Area that decides small, medium or large; the box's by default. */
  readonly area?: number;
}

/** What was found and what is there, in one image. */
export interface DetectedImage {
  readonly detections: readonly Detection[];
  readonly truths: readonly Truth[];
}

/** COCO's six figures, 0..1; NaN where no object of that size exists. */
export interface DetectionFigures {
  /** Mean over IoU thresholds .50, .55, … .95 and over classes. */
  readonly ap: number;
  readonly ap50: number;
  readonly ap75: number;
  /** Objects under 32², from 32² to 96², above 96² pixels. */
  readonly apSmall: number;
  readonly apMedium: number;
  readonly apLarge: number;
}

/** COCO's thresholds to the last bit of its evaluation's linspace(.5, .95, 10) and linspace(0, 1, 101): overlaps often equal one. */
export const IOU_THRESHOLDS: readonly number[] = Array.from({ length: 10 }, (_, i) => 0.5 + i * ((0.95 - 0.5) / 9));
const RECALLS = Array.from({ length: 101 }, (_, i) => i * 0.01);
const AREAS = {
  all: [0, 1e10],
  small: [0, 32 ** 2],
  medium: [32 ** 2, 96 ** 2],
  large: [96 ** 2, 1e10],
} as const;

type AreaRange = readonly [number, number];

export interface AveragePrecisionOptions {
  /** Detections counted per image and class, the best ones; 100 in COCO. */
  readonly maxDetections?: number;
}

/**
 * Average precision as COCO's detection evaluation defines it (Lin et al., 2014; its `bbox` evaluation): per class, detections
 * by falling score each take the free object that they overlap most, crowds and objects out of the area range count
 * neither way, precision is made monotone and read at 101 recalls.
 */
export function averagePrecision(
  images: readonly DetectedImage[],
  { maxDetections = 100 }: AveragePrecisionOptions = {},
): DetectionFigures {
  const categories = [...new Set(images.flatMap(({ truths }) => truths.map(({ category }) => category)))];
  const table = (range: AreaRange): number[][] =>
    categories.flatMap((category) => {
      const precisions = categoryPrecisions(images, { category, range, maxDetections });
      return precisions === undefined ? [] : [precisions];
    });
  const all = table(AREAS.all);
  const mean = (rows: readonly number[][]): number => average(rows.flat());
  return {
    ap: mean(all),
    ap50: average(all.map((row) => row[0]!)),
    ap75: average(all.map((row) => row[5]!)),
    apSmall: mean(table(AREAS.small)),
    apMedium: mean(table(AREAS.medium)),
    apLarge: mean(table(AREAS.large)),
  };
}

function average(values: readonly number[]): number {
  return values.length === 0 ? Number.NaN : values.reduce((sum, value) => sum + value, 0) / values.length;
}

interface Selection {
  readonly category: number;
  readonly range: AreaRange;
  readonly maxDetections: number;
}

interface Verdicts {
  readonly score: number;
  /** Per IoU threshold: right, wrong, or not counted. */
  readonly verdicts: readonly ('right' | 'wrong' | 'ignored')[];
}

/** Average precision of one class per IoU threshold; undefined when there is nothing to find. */
function categoryPrecisions(images: readonly DetectedImage[], selection: Selection): number[] | undefined {
  let wanted = 0;
  const all: Verdicts[] = [];
  for (const image of images) {
    const truths = image.truths.filter(({ category }) => category === selection.category);
    const candidates = truths.map((truth) => ({ truth, isIgnored: isIgnored(truth, selection.range) }));
    // Objects that count come first: a detection only falls back on one that does not.
    candidates.sort((a, b) => Number(a.isIgnored) - Number(b.isIgnored));
    wanted += candidates.filter((candidate) => !candidate.isIgnored).length;
    const detections = image.detections
      .filter(({ category }) => category === selection.category)
      .sort((a, b) => b.score - a.score)
      .slice(0, selection.maxDetections);
    all.push(...judge(detections, candidates, selection.range));
  }
  if (wanted === 0) return undefined;
  all.sort((a, b) => b.score - a.score);
  return IOU_THRESHOLDS.map((_, level) =>
    interpolatedPrecision(
      all.map(({ verdicts }) => verdicts[level]!),
      wanted,
    ),
  );
}

const isOutside = (area: number, [low, high]: AreaRange): boolean => area < low || area > high;

function isIgnored(truth: Truth, range: AreaRange): boolean {
  return truth.isCrowd === true || isOutside(truth.area ?? areaOf(truth), range);
}

interface Candidate {
  readonly truth: Truth;
  readonly isIgnored: boolean;
}

function judge(detections: readonly Detection[], candidates: readonly Candidate[], range: AreaRange): Verdicts[] {
  const overlaps = detections.map((detection) =>
    candidates.map(({ truth }) =>
      truth.isCrowd === true ? intersectionOverFirst(detection, truth) : intersectionOverUnion(detection, truth),
    ),
  );
  const taken = IOU_THRESHOLDS.map(() => new Set<number>());
  return detections.map((detection, index) => ({
    score: detection.score,
    verdicts: IOU_THRESHOLDS.map((threshold, level) => {
      const match = bestMatch(overlaps[index]!, candidates, taken[level]!, threshold);
      if (match === -1) return isOutside(areaOf(detection), range) ? 'ignored' : 'wrong';
      taken[level]!.add(match);
      return candidates[match]!.isIgnored ? 'ignored' : 'right';
    }),
  }));
}

/** The free object of largest overlap, at least the threshold; the last of equals, as COCO's loop finds it. */
function bestMatch(
  overlaps: readonly number[],
  candidates: readonly Candidate[],
  taken: ReadonlySet<number>,
  threshold: number,
): number {
  let least = Math.min(threshold, 1 - 1e-10);
  let match = -1;
  for (const [index, { truth, isIgnored: ignored }] of candidates.entries()) {
    if (taken.has(index) && truth.isCrowd !== true) continue;
    if (match !== -1 && !candidates[match]!.isIgnored && ignored) break;
    if (overlaps[index]! < least) continue;
    least = overlaps[index]!;
    match = index;
  }
  return match;
}

function interpolatedPrecision(verdicts: readonly Verdicts['verdicts'][number][], wanted: number): number {
  const recalls: number[] = [];
  const precisions: number[] = [];
  let [right, wrong] = [0, 0];
  for (const verdict of verdicts) {
    if (verdict === 'right') right++;
    else if (verdict === 'wrong') wrong++;
    recalls.push(right / wanted);
    precisions.push(right + wrong === 0 ? 0 : right / (right + wrong));
  }
  for (let i = precisions.length - 1; i > 0; i--) precisions[i - 1] = Math.max(precisions[i - 1]!, precisions[i]!);
  let place = 0;
  return average(
    RECALLS.map((recall) => {
      while (place < recalls.length && recalls[place]! < recall) place++;
      return precisions[place] ?? 0;
    }),
  );
}
