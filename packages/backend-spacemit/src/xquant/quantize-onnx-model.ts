import type { Emit, Graph } from '@q/ir';
import type { TensorReport } from './analyse/analyse.ts';
import { type ReportSummary, renderReport, reportJson } from './analyse/report.ts';
import { type ConfigSource, parseConfig } from './config/parse-config.ts';
import type { XquantConfig } from './config/settings.ts';
import { quantizeDynamically } from './modes/dynamic.ts';
import { convertToHalf } from './modes/half.ts';
import { exportModel } from './output/export-model.ts';
import { readModel } from './prepare/read-model.ts';
import { quantizeStatically } from './quantize-static.ts';
import type { XquantOptions } from './xquant-options.ts';

export interface XquantResult {
  /** The ONNX file. */
  readonly model: Uint8Array;
  /** What the file computes, for `createSession` of `@q/runtime`; undefined in dynamic and FP16 mode. */
  readonly graph: Graph | undefined;
  /** `{prefix}_report.md` and the same as JSON; static mode only, with `analysis_enable`. */
  readonly report?: { readonly markdown: string; readonly json: string; readonly rows: readonly TensorReport[] };
  readonly summary: ReportSummary;
}

/** Version that stands in the metadata `xslim_version`. */
const VERSION = '@q/backend-spacemit';

/**
 * XQuant's job (spacemit.md 5): a float ONNX model and a configuration in, an ONNX model with QuantizeLinear and
 * DequantizeLinear pairs and a report out. The same input gives the same bytes.
 *
 * @param config object or JSON text as XQuant 1.x and XSlim 2.x take it
 * @param model bytes of the ONNX file
 * @throws QError `xquant.*` (listed in the README), and those of the import, the export and the runtime
 */
export async function quantizeOnnxModel(
  config: ConfigSource,
  model: Uint8Array,
  options: XquantOptions = {},
): Promise<XquantResult> {
  const warnings: string[] = [];
  const emit: Emit = (event) => {
    if (event.type === 'warning') warnings.push(event.message);
    options.emit?.(event);
  };
  const settings = withOverrides(parseConfig(config, emit), options.overrides);
  const { precisionLevel } = settings.quantization;
  const isStatic = precisionLevel <= 2;
  const prepared = readModel(model, {
    isSimplified: !settings.model.skipSimplification,
    refusesPairs: isStatic,
    emit,
    ...(settings.calibration.inputs === undefined ? {} : { items: settings.calibration.inputs }),
    ...(options.externalData === undefined ? {} : { externalData: options.externalData }),
    ...(options.where === undefined ? {} : { where: options.where }),
  });
  if (isStatic) {
    const result = await quantizeStatically(prepared, settings, { ...options, emit });
    const bytes = exportModel(result.graph, prepared, exportSettings(settings));
    const summary = { ...result.summary, warnings };
    const { rows } = result;
    const report = rows && { markdown: renderReport(rows, summary), json: reportJson(rows, summary), rows };
    return { model: bytes, graph: result.graph, summary, ...(report === undefined ? {} : { report }) };
  }
  const float = exportModel(prepared.graph, prepared, exportSettings(settings));
  const summary = plainSummary(prepared.graph, warnings);
  if (precisionLevel === 3) return { model: quantizeDynamically(float, settings), graph: undefined, summary };
  if (precisionLevel === 4) return { model: convertToHalf(float, settings), graph: undefined, summary };
  return { model: float, graph: prepared.graph, summary };
}

function withOverrides(config: XquantConfig, overrides: XquantOptions['overrides'] = {}): XquantConfig {
  const { opset, ...extensions } = overrides;
  const model = opset === undefined ? config.model : { ...config.model, opset };
  return { ...config, model, extensions: { ...config.extensions, ...extensions } };
}

function exportSettings({ model, extensions }: XquantConfig) {
  return {
    version: VERSION,
    ...(model.opset === undefined ? {} : { opset: model.opset }),
    ...(extensions.exportTime === undefined ? {} : { exportTime: extensions.exportTime }),
  };
}

function plainSummary(graph: Graph, warnings: readonly string[]): ReportSummary {
  return { model: graph.name, quantizedOps: 0, totalOps: graph.ops.length, floatOps: {}, outputs: [], warnings };
}
