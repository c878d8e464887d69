export { valuesOf } from './comparable-data.ts';
export { type FloatBlock, type FloatForward, type FloatForwardRequest, floatForward } from './float-forward.ts';
export {
  type CodeScale,
  type DumpForm,
  type LayerLsb,
  type LsbReport,
  type LsbReportRequest,
  lsbReport,
} from './lsb-report.ts';
export { type ComparisonRequest, compareTensors, numpyType, type TensorComparison } from './npz-comparison.ts';
export { type OutputAgreement, OutputComparison, type OutputTensors } from './output-comparison.ts';
export { cosine, type PairSums, pairSums, sqnrDb, vendorSimilarity } from './similarity.ts';
export {
  type MatchedTensor,
  type MatchStatus,
  matchLines,
  matchSummaryLines,
  matchTensor,
  pythonFloat,
  shapeText,
  type TensorMatch,
  type Tolerance,
} from './tensor-match.ts';
