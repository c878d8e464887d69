export { type ExportOptions, exportOnnx, hasOnnxForm } from './export.ts';
export { type ImportOptions, importOnnx } from './import.ts';
export type { PreprocessOptions } from './preprocess.ts';
export { type OnnxFacts, type OnnxSurvey, surveyOnnx } from './survey.ts';
