export { editOnnx, onnxDataType, onnxNode, onnxTensor, readOnnxModel } from './edit.ts';
export { type ExportOptions, exportOnnx, hasOnnxForm } from './export.ts';
export { type ImportOptions, importOnnx } from './import.ts';
export { importOnnxPart, type PartialImport } from './import-part.ts';
export { inspectOnnx, type OnnxSummary, type OnnxValueInfo, readTensorProto } from './inspect.ts';
export type { PreprocessOptions } from './preprocess.ts';
export type { ElementType, ExternalData } from './tensor-data.ts';
export type { GraphWire, ModelWire, NodeWire, TensorWire, ValueInfoWire } from './wire.ts';
