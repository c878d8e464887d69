import { editOnnx, type GraphWire, type TensorWire } from '@q/ir/onnx';

/** Weights from this size on lie beside the model (spacemit.md 3.3). */
export const EXTERNAL_FROM_BYTES = 1e9;
/** Smaller tensors stay in the model. */
const LEAST_TENSOR_BYTES = 1024;
/** Every tensor starts at a multiple of this, so that readers can map it. */
const ALIGNMENT = 64;
const EXTERNAL = 1;

export interface SplitModel {
  readonly model: Uint8Array;
  /** What lies in the file beside it. */
  readonly data: Uint8Array;
}

export interface SplitSettings {
  /** Name of the file beside the model, as the model gives it. */
  readonly location: string;
  /** Total size of constants from which on they are moved. */
  readonly fromBytes?: number;
}

/** A model whose constants are too large for one file, as two; undefined for smaller ones. */
export function splitExternalData(bytes: Uint8Array, settings: SplitSettings): SplitModel | undefined {
  const { location, fromBytes = EXTERNAL_FROM_BYTES } = settings;
  if (bytes.length < fromBytes) return undefined;
  const moved: { readonly offset: number; readonly raw: Uint8Array }[] = [];
  let end = 0;
  const model = editOnnx(bytes, ({ graph }) => {
    const tensors = constantsOf(graph);
    const total = tensors.reduce((sum, { rawData }) => sum + (rawData?.length ?? 0), 0);
    if (total < fromBytes) return;
    for (const tensor of tensors) {
      const raw = tensor.rawData;
      if (raw === undefined || raw.length < LEAST_TENSOR_BYTES) continue;
      const offset = Math.ceil(end / ALIGNMENT) * ALIGNMENT;
      moved.push({ offset, raw });
      end = offset + raw.length;
      refer(tensor, location, offset, raw.length);
    }
  });
  if (moved.length === 0) return undefined;
  const data = new Uint8Array(end);
  for (const { offset, raw } of moved) data.set(raw, offset);
  return { model, data };
}

function constantsOf(graph: GraphWire | null | undefined): TensorWire[] {
  return graph?.initializer ?? [];
}

function refer(tensor: TensorWire, location: string, offset: number, length: number): void {
  delete tensor.rawData;
  tensor.dataLocation = EXTERNAL;
  tensor.externalData = [
    { key: 'location', value: location },
    { key: 'offset', value: String(offset) },
    { key: 'length', value: String(length) },
  ];
}
