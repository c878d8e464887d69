import type { Emit, Graph } from '@q/ir';
import type { TensorReport } from './analyse/analyse.ts';
import { type ReportSummary, renderReport, reportJson } from './analyse/report.ts';
import { type ConfigSource, parseConfig } from './config/parse-config.ts';
import type { XquantConfig } from './config/settings.ts';
import { announce } from './log/announce.ts';
import { logLine } from './log/log-line.ts';
import { quantizeDynamically } from './modes/dynamic.ts';
import { convertToHalf } from './modes/half.ts';
import { exportModel, opsetOf } from './output/export-model.ts';
import { splitExternalData } from './output/external-data.ts';
import { type PreparedModel, readModel } from './prepare/read-model.ts';
import { quantizeStatically } from './quantize-static.ts';
import type { XquantOptions } from './xquant-options.ts';

export interface XquantResult {
  /** The ONNX file. */
  readonly model: Uint8Array;
  /** The file beside it with its constants, `{prefix}.onnx.data`; only for models of `externalFromBytes` or more. */
  readonly data?: Uint8Array;
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
  const started = performance.now();
  const settings = withOverrides(parseConfig(config, emit), options.overrides);
  announce(settings, options.files, emit);
  const { precisionLevel } = settings.quantization;
  const isStatic = precisionLevel <= 2;
  const prepared = readModel(model, {
    isSimplified: !settings.model.skipSimplification,
    isStatic,
    fusions: settings.extensions.fusions,
    emit,
    ...(settings.calibration.inputs === undefined ? {} : { items: settings.calibration.inputs }),
    ...(options.externalData === undefined ? {} : { externalData: options.externalData }),
    ...(options.where === undefined ? {} : { where: options.where }),
  });
  const [from, to] = [prepared.opset, opsetOf(prepared.graph, prepared, exportSettings(settings))];
  if (from !== to) logLine(emit, 'onnx_graph_helper', `convert ai.onnx version ${from} to ${to}...`, 'WARNING');
  if (!settings.model.skipSimplification) logLine(emit, 'onnx_graph_helper', 'simplify onnx model...');
  const result = isStatic
    ? await toInt8(prepared, settings, { ...options, emit, warnings })
    : inFloat(prepared, settings, warnings);
  if (result.report !== undefined && options.files !== undefined) {
    const path = `${options.files.folder}/${options.files.prefix}_report.md`;
    logLine(emit, 'analyse.graphwise', `export quantization statistical results file to ${path}`);
  }
  const seconds = (performance.now() - started) / 1000;
  logLine(emit, 'xslim_pipeline', `quantization eplased time ${seconds.toFixed(2)} s`);
  const prefix = options.files?.prefix ?? settings.model.outputPrefix ?? 'xquant.q';
  const { externalFromBytes: fromBytes } = options;
  const place = { location: `${prefix}.onnx.data`, ...(fromBytes === undefined ? {} : { fromBytes }) };
  return { ...result, ...splitExternalData(result.model, place) };
}

async function toInt8(
  prepared: PreparedModel,
  settings: XquantConfig,
  options: XquantOptions & { readonly emit: Emit; readonly warnings: readonly string[] },
): Promise<XquantResult> {
  // The original makes its quantizer twice.
  if (settings.extensions.biasFormat === 'float32')
    for (let time = 0; time < 2; time++) logLine(options.emit, 'quantizer.xslim', 'Set Bias to Float32.');
  const result = await quantizeStatically(prepared, settings, options);
  const model = exportModel(result.graph, prepared, exportSettings(settings));
  const summary = { ...result.summary, warnings: options.warnings };
  const { rows, graph } = result;
  if (rows === undefined) return { model, graph, summary };
  return {
    model,
    graph,
    summary,
    report: { markdown: renderReport(rows, summary), json: reportJson(rows, summary), rows },
  };
}

/** The modes without calibration (spacemit.md 12), and simplification alone. */
function inFloat(prepared: PreparedModel, settings: XquantConfig, warnings: readonly string[]): XquantResult {
  const float = exportModel(prepared.graph, prepared, exportSettings(settings));
  const summary = plainSummary(prepared.graph, warnings);
  const { precisionLevel } = settings.quantization;
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
    fusions: extensions.fusions,
    ...(model.opset === undefined ? {} : { opset: model.opset }),
    ...(extensions.exportTime === undefined ? {} : { exportTime: extensions.exportTime }),
  };
}

const NOTHING_MEASURED = { floatOps: {}, outputs: [], outputErrors: [], contributors: [], layersToBlame: [] };

function plainSummary(graph: Graph, warnings: readonly string[]): ReportSummary {
  return { model: graph.name, quantizedOps: 0, totalOps: graph.ops.length, ...NOTHING_MEASURED, warnings };
}
