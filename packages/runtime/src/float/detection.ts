import type { OpOf } from '@q/ir';
import type { Implementations, OpImplementation } from '../implementation.ts';
import { exp } from './elementary.ts';
import { refuse } from './refuse.ts';

type Settings = OpOf<'top.DetectionOutput'>['attributes'];
type Box = readonly [left: number, top: number, right: number, bottom: number];

/** A box that a class claims. */
interface Candidate {
  readonly label: number;
  readonly prior: number;
  readonly score: number;
  readonly box: Box;
}

interface Image {
  readonly offsets: Float32Array;
  readonly confidences: Float32Array;
  /** Corners of all priors, then their variances. */
  readonly priors: Float32Array;
  readonly count: number;
}

/**
 * SSD's head (Caffe's DetectionOutput): offsets are decoded against the priors; per class the best `top_k` boxes are thinned out;
 * the best `keep_top_k` of all classes become rows, class by class. Rows of all images follow each other.
 */
const detectionOutput: OpImplementation<'top.DetectionOutput'> = {
  prepare(op, context) {
    const { attributes } = op;
    if (!DECODERS.has(attributes.codeType))
      refuse(op, `code_type ${attributes.codeType}`, [...DECODERS.keys()].join(', '));
    const [offsets, confidences, priors, y] = [...context.inputs(), context.output()];
    const images = offsets!.shape[0]!;
    const count = priors!.shape.at(-1)! / 4;
    const part = (data: Float32Array, image: number) =>
      data.subarray((data.length / images) * image, (data.length / images) * (image + 1));
    return () => {
      const [from, scores, to] = [offsets!.f32(), confidences!.f32(), y!.f32().fill(0)];
      let at = 0;
      for (let index = 0; index < images; index++) {
        const image = { offsets: part(from, index), confidences: part(scores, index), priors: priors!.f32(), count };
        for (const { label, score, box } of detections(image, attributes)) {
          to.set([index, label, score, ...box], at);
          at += 7;
        }
      }
    };
  },
};

function detections(image: Image, settings: Settings): Candidate[] {
  const kept: Candidate[] = [];
  for (let label = 0; label < settings.numClasses; label++) {
    if (label !== settings.backgroundLabelId) kept.push(...thinnedOut(candidatesOf(image, label, settings), settings));
  }
  if (kept.length <= settings.keepTopK) return kept;
  const best = kept.toSorted((a, b) => b.score - a.score).slice(0, settings.keepTopK);
  // Sorting is stable: within a class the scores keep falling.
  return best.sort((a, b) => a.label - b.label);
}

/** Boxes of a class above the confidence threshold, the best first, at most `top_k`. */
function candidatesOf(image: Image, label: number, settings: Settings): Candidate[] {
  const { numClasses, confidenceThreshold, topK, shareLocation, codeType } = settings;
  const decode = DECODERS.get(codeType)!;
  const priors = Array.from({ length: image.count }, (_, prior) => prior)
    .filter((prior) => image.confidences[prior * numClasses + label]! > confidenceThreshold)
    .sort((a, b) => image.confidences[b * numClasses + label]! - image.confidences[a * numClasses + label]!);
  return priors.slice(0, topK < 0 ? priors.length : topK).map((prior) => {
    const row = shareLocation ? prior : prior * numClasses + label;
    const four = (data: Float32Array, start: number) => data.subarray(start, start + 4) as unknown as Box;
    const box = decode(
      four(image.offsets, 4 * row),
      four(image.priors, 4 * prior),
      four(image.priors, 4 * (image.count + prior)),
    );
    return { label, prior, score: image.confidences[prior * numClasses + label]!, box };
  });
}

function thinnedOut(candidates: readonly Candidate[], { nmsThreshold }: Settings): Candidate[] {
  const kept: Candidate[] = [];
  for (const candidate of candidates) {
    if (kept.every(({ box }) => overlap(candidate.box, box) <= nmsThreshold)) kept.push(candidate);
  }
  return kept;
}

/** A box that is inside out has no area. */
const area = ([left, top, right, bottom]: Box) => (right < left || bottom < top ? 0 : (right - left) * (bottom - top));

/** Shared area over joint area. */
function overlap(a: Box, b: Box): number {
  if (b[0] > a[2] || b[2] < a[0] || b[1] > a[3] || b[3] < a[1]) return 0;
  const shared = (Math.min(a[2], b[2]) - Math.max(a[0], b[0])) * (Math.min(a[3], b[3]) - Math.max(a[1], b[1]));
  return shared / (area(a) + area(b) - shared);
}

type Decoder = (offset: Box, prior: Box, variance: Box) => Box;

const sizeOf = ([left, top, right, bottom]: Box): readonly [number, number] => [right - left, bottom - top];

/** How offsets are coded: against the corners, the corners in units of the size, or centre and size. */
const DECODERS: ReadonlyMap<string, Decoder> = new Map<string, Decoder>([
  ['CORNER', (offset, prior, variance) => offset4((i) => prior[i]! + variance[i]! * offset[i]!)],
  [
    'CORNER_SIZE',
    (offset, prior, variance) => offset4((i) => prior[i]! + variance[i]! * offset[i]! * sizeOf(prior)[i % 2]!),
  ],
  [
    'CENTER_SIZE',
    (offset, prior, variance) => {
      const [width, height] = sizeOf(prior);
      const x = variance[0] * offset[0] * width + (prior[0] + prior[2]) / 2;
      const y = variance[1] * offset[1] * height + (prior[1] + prior[3]) / 2;
      const halfWidth = (exp(variance[2] * offset[2]) * width) / 2;
      const halfHeight = (exp(variance[3] * offset[3]) * height) / 2;
      return [x - halfWidth, y - halfHeight, x + halfWidth, y + halfHeight];
    },
  ],
]);

function offset4(coordinate: (index: number) => number): Box {
  return [coordinate(0), coordinate(1), coordinate(2), coordinate(3)];
}

export const detectionImplementations: Implementations = { 'top.DetectionOutput': detectionOutput };
