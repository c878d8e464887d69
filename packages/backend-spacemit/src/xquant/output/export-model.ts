import { type Graph, QError } from '@q/ir';
import { editOnnx, exportOnnx, type ModelWire } from '@q/ir/onnx';
import { RAW_SUFFIX } from '../../qdq-builder.ts';
import type { Fusion } from '../config/settings.ts';
import { writeFunctions } from '../fuse/write-functions.ts';
import type { PreparedModel } from '../prepare/read-model.ts';

export interface ExportSettings {
  readonly opset?: number;
  /** Metadata `xslim_export_time`; left out when absent. */
  readonly exportTime?: string;
  readonly version: string;
  readonly fusions: readonly Fusion[];
}

const OLDEST_OPSET = 13;
/** The first that has LayerNormalization as one operator. */
const LAYER_NORM_OPSET = 17;

/**
 * Writes a network as ONNX with the file's node names, graph name, producer and metadata (spacemit.md 3.3, 10). The opset is
 * the model's own, raised to 13, which quantization needs, or to 17 for LayerNormalization, unless the configuration says otherwise.
 *
 * @throws QError `onnx.export-unsupported`, `onnx.export-opset`
 */
export function exportModel(graph: Graph, source: PreparedModel, settings: ExportSettings): Uint8Array {
  const options = { graphName: source.graphName, nodeNames: nodeNamesOf(graph, source) };
  const opset = opsetOf(graph, source, settings);
  const bytes = exportOnnx(graph, { ...options, opset });
  return editOnnx(bytes, (model) => {
    annotate(model, source, settings);
    writeFunctions(model, graph, { fusions: settings.fusions, opset });
  });
}

/** The opset that a network is written in. */
export function opsetOf(graph: Graph, source: PreparedModel, settings: ExportSettings): number {
  const hasLayerNorm = graph.ops.some(({ type }) => type === 'top.LayerNorm');
  const wanted = settings.opset ?? Math.max(hasLayerNorm ? LAYER_NORM_OPSET : OLDEST_OPSET, source.opset);
  return clampUnasked(wanted, settings);
}

/** A model newer than what can be written is written as the newest; an opset that was asked for is taken at its word. */
function clampUnasked(opset: number, { opset: asked }: ExportSettings): number {
  if (asked === undefined) return Math.min(opset, 24);
  if (asked >= OLDEST_OPSET) return asked;
  throw new QError(`Opset ${asked} has no DequantizeLinear per channel.`, {
    code: 'xquant.opset',
    where: 'model_parameters.opset',
    found: String(asked),
    expected: `${OLDEST_OPSET} to 24`,
  });
}

/** Nodes keep their names; the DequantizeLinear that carries a value's name gets one of its own. */
function nodeNamesOf(graph: Graph, { nodeNames }: PreparedModel): Map<string, string> {
  const names = new Map(nodeNames);
  for (const { name } of graph.ops) {
    if (!name.endsWith(RAW_SUFFIX)) continue;
    const layer = name.slice(0, -RAW_SUFFIX.length);
    const node = nodeNames.get(layer) ?? layer;
    names.set(name, node);
    names.set(layer, `${node}_DequantizeLinear`);
    names.set(`${layer}_quantized`, `${node}_QuantizeLinear`);
  }
  return names;
}

function annotate(model: ModelWire, source: PreparedModel, settings: ExportSettings): void {
  model.producerName = source.producer === '' ? 'xslim' : source.producer;
  model.irVersion = Math.max(Number(model.irVersion ?? 0), Math.min(source.irVersion, 10));
  const metadata = new Map(source.metadata);
  metadata.set('xslim_version', settings.version);
  if (settings.exportTime !== undefined) metadata.set('xslim_export_time', settings.exportTime);
  model.metadataProps = [...metadata].map(([key, value]) => ({ key, value }));
}
