export type { MatchedBlock } from '@q/ir';
export { valuesOf } from './comparable-data.ts';
export { type FloatBlock, type FloatForward, type FloatForwardRequest, floatForward } from './float-forward.ts';
export { newerPatternLayers, type PatternLayers, patternLine, patternLines } from './float-layers/newer-patterns.ts';
export {
  type FloatSetRequest,
  type FoundFloatSets,
  findFloatSets,
  type MeasuredFloatSet,
} from './goals/find-float-sets.ts';
export {
  type FloatSetMeasure,
  type MeasureRun,
  type MetricImage,
  scoreMeasure,
  sqnrMeasure,
  type UserMetric,
  type UserMetricSource,
  userMeasure,
} from './goals/float-set-measure.ts';
export { type FloatSetTrial, type FloatSetTrialOptions, FloatSetTrials } from './goals/float-set-trials.ts';
export {
  type GoalDocument,
  type GoalOutcome,
  goalDocument,
  goalReport,
  PARETO_TITLES,
  type ParetoDocument,
  paretoCells,
  paretoCsv,
  paretoDocument,
  valueText,
} from './goals/goal-report.ts';
export { type RefinedPlan, type RefinementRequest, refinePlan } from './goals/refine-plan.ts';
export {
  type LayerLoss,
  type LossTableOptions,
  type LossTableOutcome,
  searchLossTable,
} from './loss-table/search-loss-table.ts';
export { signalNoiseScore } from './loss-table/signal-noise-score.ts';
export {
  type CodeScale,
  type DumpForm,
  type LayerLsb,
  type LsbReport,
  type LsbReportRequest,
  lsbReport,
} from './lsb-report.ts';
export {
  type FastSearchOutcome,
  type FastSearchRound,
  fastSearch,
  type LayerNoise,
} from './newer-searches/fast-search.ts';
export {
  type FourBitOutcome,
  type FourBitSearchOptions,
  type FourBitTrial,
  searchFourBits,
} from './newer-searches/four-bit-search.ts';
export { type MixSearchOptions, type MixSearchOutcome, mixSearch } from './newer-searches/mix-search.ts';
export {
  type ScreenedSearchOptions,
  type ScreenedSearchOutcome,
  searchScreenedQtable,
} from './newer-searches/screened-search.ts';
export type { TypeScreening, TypeSimilarity } from './newer-searches/type-screening.ts';
export type { NewerSearchOptions } from './newer-searches/whole-trials.ts';
export { type ComparisonRequest, compareTensors, numpyType, type TensorComparison } from './npz-comparison.ts';
export { type OutputAgreement, OutputComparison, type OutputTensors } from './output-comparison.ts';
export {
  type PostProcess,
  type PostProcessed,
  type PostProcessing,
  type PostProcessTensor,
  postProcessedScore,
} from './post-process/post-processed-score.ts';
export { type GroupedTable, printGroupedTable } from './reports/grouped-table.ts';
export { lossTableReport, signalLossLines } from './reports/loss-table-report.ts';
export { type MixedTable, printMixedTable } from './reports/mixed-table.ts';
export {
  fastSearchReport,
  fourBitSearchReport,
  mixSearchReport,
  type NewerFacts,
  type ScreenedFacts,
  screenedSearchReport,
} from './reports/newer-reports.ts';
export { type LossTable, lossLines, printLossTable, qtableReport } from './reports/qtable-report.ts';
export type { ReportLine } from './reports/report-line.ts';
export { timeLine } from './reports/result-lines.ts';
export {
  type SearchFacts,
  type SearchQtableFacts,
  searchQtableReport,
  writtenTrial,
} from './reports/search-qtable-report.ts';
export { type SearchThresholdFacts, searchThresholdReport } from './reports/search-threshold-report.ts';
export { type SensitiveLayerFacts, sensitiveLayerReport } from './reports/sensitive-layer-report.ts';
export { explainCause, type FloatCause } from './sensitivity/float-reason.ts';
export {
  type FloatSet,
  type FloatSetSearch,
  paretoCounts,
  paretoFloatSets,
  smallestFloatSet,
} from './sensitivity/float-set-goals.ts';
export {
  evaluateInFull,
  type FullEvaluation,
  referenceOutputs,
} from './sensitivity/full-evaluation.ts';
export { withFloatOps, withThresholds } from './sensitivity/plan-edits.ts';
export { type ExplainedLayer, explainPlan, type LossUnit, type PlanDocument } from './sensitivity/plan-explanation.ts';
export { joinedScores, loweredScores, type NetworkScores, type PlanScores } from './sensitivity/plan-scores.ts';
export {
  type LayerCosine,
  type QtableEnd,
  type QtableOptions,
  type QtableOutcome,
  runQtable,
} from './sensitivity/run-qtable.ts';
export {
  int8PlanOf,
  runSensitiveLayer,
  type SensitiveLayerOptions,
  type SensitiveLayerOutcome,
  searchedLayers,
} from './sensitivity/run-sensitive-layer.ts';
export type { SampleMeasure } from './sensitivity/sample-measure.ts';
export { meanOf, type SampleScore, signalScore, similarityScore } from './sensitivity/sample-score.ts';
export type { SearchSamples } from './sensitivity/samples.ts';
export type { OnSearchEvent, RankedLayer, SearchEvent } from './sensitivity/search-event.ts';
export type { SearchJournal } from './sensitivity/search-journal.ts';
export type { SearchEffort, SearchOptions } from './sensitivity/search-options.ts';
export {
  type MixedTrial,
  type SearchQtableOptions,
  type SearchQtableOutcome,
  searchQtable,
} from './sensitivity/search-qtable.ts';
export {
  type MethodTable,
  type SearchThresholdOptions,
  type SearchThresholdOutcome,
  searchThreshold,
} from './sensitivity/search-threshold.ts';
export {
  allFloatNetwork,
  type LayerSearch,
  type LayerSensitivity,
  type LayerTrial,
  type MethodThresholds,
  measureLayers,
  pickLayers,
  rankLayers,
  type SensitivityResult,
} from './sensitivity/sensitive-layers.ts';
export { type EvaluationCost, type SuffixEvaluation, SuffixEvaluator } from './sensitivity/suffix-evaluator.ts';
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
