export type { AttributeKind, AttributeSchema, AttributeSpec, AttributesOf, MlirAttribute } from './attribute-schema.ts';
export {
  CONTAINER_NOTE,
  type ContainerMetadata,
  type ContainerTensor,
  containerOf,
  graphOfContainer,
  type ModelContainer,
} from './container/model-container.ts';
export { isContainer, readContainer } from './container/read.ts';
export { writeContainer } from './container/write.ts';
export { byteLengthOf, type DType, elementCount, type TypedArray } from './dtype.ts';
export { type Issue, isQError, QError } from './errors.ts';
export type { Emit, QEvent } from './events.ts';
export {
  type Graph,
  type GraphState,
  inputsOf,
  type KnownOp,
  type Op,
  type OpOf,
  typeOf,
  type UnknownOp,
  type Weight,
} from './graph.ts';
export { findSequence, type MatchedBlock, matchKnownBlock } from './known-blocks.ts';
export { largeBytes } from './large-bytes.ts';
export { formatDouble } from './mlir/format-double.ts';
export { parseMlir, weightFileOf } from './mlir/parse.ts';
export { type PrintedModule, printMlir } from './mlir/print.ts';
export { nearest } from './nearest.ts';
export { readNpy, writeNpy } from './npy.ts';
export { readNpz, writeNpz } from './npz.ts';
export { attributesWithDefaults } from './operators/defaults.ts';
export { type OpAttributes, type OpType, operatorTable } from './operators/index.ts';
export { type MatMulDimensions, matMulDimensions } from './operators/matrix-product.ts';
export { ownAttributesOf } from './operators/own-attributes.ts';
export { type ResizeAxis, type ResizeForm, type ResizeTap, resizeTaps } from './operators/resize-taps.ts';
export type { OperatorRow, ShapeContext, ShapeResult } from './operators/row.ts';
export { broadcastShapes } from './operators/shape-rules.ts';
export { type FullRankSlice, fullRankSlice } from './operators/slice-bounds.ts';
export { canonicalize } from './passes/canonicalize/index.ts';
export { expandAttention } from './passes/expand-attention.ts';
export { finishImport, type ImportStage } from './passes/finish-import.ts';
export { inferShapes } from './passes/infer-shapes.ts';
export type { OpPlan, Plan, PlanOptions, Precision, Reason, ValueRange } from './plan.ts';
export { type PlanSources, parsePrecision, planFromTables } from './plan-from-tables.ts';
export {
  erf,
  functionTable,
  type ScalarFunction,
  scalarFunctionOf,
  type TableSide,
} from './quantization/activation.ts';
export { dequantize } from './quantization/dequantize.ts';
export {
  bf16Bits,
  cvBf16Add,
  cvBf16Bits,
  cvBf16Multiply,
  cvTruncBf16Bits,
  f16Bits,
  f32FromBf16Bits,
  f32FromF16Bits,
  narrowed,
  roundToBf16,
  roundToCvBf16,
  roundToF16,
  truncateToBf16,
  widened,
} from './quantization/float16.ts';
export {
  bm1684RightShift,
  bm1684RightShiftByLog,
  getScaleAndShift,
  getScaleAndShiftPositive,
  type MultiplierShift,
  mulI8,
  rsMul,
  rsMulQdm,
} from './quantization/multiplier.ts';
export {
  type IntegerType,
  integerRange,
  type RoundMode,
  saturate,
  saturateF32,
  toInt,
} from './quantization/rounding.ts';
export {
  asymmetricQParams,
  type CodeBits,
  type QParams,
  scaleOfInt16Output,
  symmetricQParams,
} from './quantization/scale.ts';
export { type ModelSummary, macsOf, type OperatorCount, summarize, type ValueSummary } from './summary.ts';
export { type CalibrationHeader, calibrationHeader, type TableEra } from './tables/calibration-header.ts';
export {
  type CalibrationRow,
  type CalibrationSections,
  type CalibrationTable,
  emptyCalibrationTable,
  parseCalibrationTable,
  printCalibrationTable,
} from './tables/calibration-table.ts';
export { formatFixed7 } from './tables/fixed-decimal.ts';
export { calibrationTableFor, layerNames, namedLayers, quantizeTableFor, rowsByLayer } from './tables/older-names.ts';
export {
  parseInlineQuantizeTable,
  parseQuantizeTable,
  printQuantizeTable,
  QUANTIZE_MODES,
  type QuantizeHeader,
  type QuantizeMode,
  type QuantizeRow,
  type QuantizeTable,
  quantizeHeader,
} from './tables/quantize-table.ts';
export type { Artefact, OpenPoint, Target } from './target.ts';
export { allocate, bytesOf, f32Tensor, type Tensor, viewBytes } from './tensor.ts';
export type { Calibrated, Quantization, TensorType, Uniform, UniformPerAxis } from './tensor-type.ts';
export { verify } from './verify.ts';
export { crc32, readZip, writeZip, type ZipEntry, type ZipLimits } from './zip.ts';
