/**
 * What the lowerings to the `tpu` dialect share, whatever the processor: calibrated ranges and their propagation, the
 * form of every operator, casts, and the context that lowering rules write to. For authors of backends.
 */
export { importRanges, type Range, type RangeAdjustment, type Ranges } from './calibrated-ranges.ts';
export {
  attempt,
  attributesFor,
  LoweringContext,
  type LoweringSources,
  operandsFor,
  type Quantizer,
  quantizerOfRange,
  Refusal,
  throwRefusals,
  uniformType,
} from './context.ts';
export { type FuseOptions, fusePreprocess } from './fuse-preprocess.ts';
export { type CastOptions, forwardViewTypes, insertCasts } from './insert-casts.ts';
export { artefactPrefix, assembleLowered, dropReluLimits, thresholdIssues, topOperator } from './lower-module.ts';
export { mergeScales } from './merge-scales.ts';
export { stateIssues, throwPlanIssues, warnOfContradiction } from './plan-issues.ts';
export { type ProcessorFamily, propagateRanges } from './propagation.ts';
export { type Boundary, type StripRequest, stripIoCasts } from './strip-io-casts.ts';
export { tpuArtefacts } from './tpu-artefacts.ts';
export { extendedFormOf, refuseOp, type TpuForm, tpuFormOf } from './tpu-forms.ts';
export { absMax, extremes, floatsOf, isKnown, WorkingGraph } from './working-graph.ts';
