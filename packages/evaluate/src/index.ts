export {
  type AveragePrecisionOptions,
  averagePrecision,
  type DetectedImage,
  type Detection,
  type DetectionFigures,
  IOU_THRESHOLDS,
  type Truth,
} from './detection/average-precision.ts';
export { areaOf, type Box, intersectionOverFirst, intersectionOverUnion } from './detection/box.ts';
export { type AnnotatedImage, type Annotations, readCocoAnnotations } from './detection/coco-annotations.ts';
export { type Candidates, type SelectionOptions, selectDetections } from './detection/select-detections.ts';
export type { Head, HeadOptions, NetworkOutput } from './heads/head.ts';
export { type HeadName, heads } from './heads/index.ts';
export { meanSquaredError, psnr } from './psnr.ts';
export { editDistance, readGreedily } from './sequences.ts';
export { largestScores, rankOf, TopKCounter } from './top-k.ts';
