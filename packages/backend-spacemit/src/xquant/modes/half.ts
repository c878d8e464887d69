import { f16Bits, QError } from '@q/ir';
import { editOnnx, type NodeWire, onnxDataType, onnxNode, onnxTensor } from '@q/ir/onnx';
import type { XquantConfig } from '../config/settings.ts';
import { intAttribute, WireGraph } from './wire-graph.ts';

/** Operators that stay float32 (spacemit.md 12.2). */
const KEPT = new Set([
  'ArrayFeatureExtractor',
  'Binarizer',
  'CastMap',
  'CategoryMapper',
  'DictVectorizer',
  'FeatureVectorizer',
  'Imputer',
  'LabelEncoder',
  'LinearClassifier',
  'LinearRegressor',
  'Normalizer',
  'OneHotEncoder',
  'SVMClassifier',
  'SVMRegressor',
  'Scaler',
  'TreeEnsembleClassifier',
  'TreeEnsembleRegressor',
  'ZipMap',
  'NonMaxSuppression',
  'TopK',
  'RoiAlign',
  'Range',
  'CumSum',
]);
const TRUTH = new Set([
  'Equal',
  'Greater',
  'GreaterOrEqual',
  'Less',
  'LessOrEqual',
  'Not',
  'And',
  'Or',
  'Xor',
  'IsNaN',
  'IsInf',
]);
const INDICES = new Set(['ArgMax', 'ArgMin', 'NonZero', 'Shape', 'Size', 'NonMaxSuppression']);
/** Operands that ONNX wants in float32 whatever the data are. */
const FLOAT_OPERANDS: Readonly<Record<string, readonly number[]>> = { Resize: [1, 2], Upsample: [1] };

const [FLOAT, HALF, INT64, BOOL] = [
  onnxDataType('f32'),
  onnxDataType('f16'),
  onnxDataType('i64'),
  onnxDataType('bool'),
];
const [SMALLEST, LARGEST] = [1e-7, 1e4];

/**
 * `precision_level` 4 (spacemit.md 12.2): float16 arithmetic and constants, with float32 at the network's ends and around the
 * operators that need it.
 */
export function convertToHalf(bytes: Uint8Array, config: XquantConfig): Uint8Array {
  const { ignoreOpTypes, ignoreOpNames } = config.quantization;
  const keeps = ({ opType = '', name = '' }: NodeWire) =>
    KEPT.has(opType) || ignoreOpTypes.includes(opType) || ignoreOpNames.includes(name);
  return editOnnx(bytes, (model) => {
    refuseUnsupported(model.graph?.node ?? [], keeps);
    const conversion = new HalfConversion(new WireGraph(model.graph!), keeps);
    conversion.run();
    model.producerName = 'xslim';
  });
}

/** Operators that ONNX has in float32 alone, and that nobody wants kept (spacemit.md 2.7). */
const SINGLE_ONLY = new Set(['DynamicQuantizeLinear', 'QuantizeLinear', 'DequantizeLinear']);

function refuseUnsupported(nodes: readonly NodeWire[], keeps: (node: NodeWire) => boolean): void {
  const refused = nodes.filter((node) => SINGLE_ONLY.has(node.opType ?? '') && !keeps(node));
  if (refused.length === 0) return;
  const texts = refused.map(({ opType, name }) => `Unsupported op ${opType}[${name}] with fp16 inputs`);
  const hint = 'start from the float model, or name the operators in ignore_op_types';
  const issues = texts.map((found) => ({ code: 'xquant.fp16', where: 'the model', found, hint }));
  throw new QError(`FP16 Convert Failed!: ${texts[0]}`, issues[0]!, { issues });
}

class HalfConversion {
  /** Element type of every tensor after the conversion. */
  private readonly types = new Map<string, number>();
  /** Casts that exist, by tensor and type. */
  private readonly casts = new Map<string, string>();
  private readonly nodes: NodeWire[] = [];

  constructor(
    private readonly graph: WireGraph,
    private readonly keeps: (node: NodeWire) => boolean,
  ) {}

  run(): void {
    for (const { name = '', dataType = FLOAT } of this.graph.constants()) this.types.set(name, dataType);
    for (const { name = '', type } of this.graph.graph.input ?? []) {
      this.types.set(name, type?.tensorType?.elemType ?? FLOAT);
    }
    for (const node of this.graph.nodes) this.convert(node);
    this.graph.nodes = this.nodes;
    this.restoreOutputs();
    this.graph.finish();
  }

  private convert(node: NodeWire): void {
    const kept = this.keeps(node);
    const wanted = kept ? FLOAT : HALF;
    const input = (node.input ?? []).map((name, index) => {
      const isFloat = this.types.get(name) === FLOAT || this.types.get(name) === HALF;
      if (name === '' || !isFloat) return name;
      const isFixed = FLOAT_OPERANDS[node.opType ?? '']?.includes(index) === true;
      return this.as(name, isFixed ? FLOAT : wanted);
    });
    const output = (node.output ?? []).map((name, index) => {
      const type = this.resultType(node, index, input);
      this.types.set(name, type === FLOAT || type === HALF ? wanted : type);
      return name;
    });
    const attribute = node.attribute?.map((own) =>
      node.opType === 'Cast' && own.name === 'to' && Number(own.i) === FLOAT ? { ...own, i: wanted } : own,
    );
    this.nodes.push({ ...node, input, output, ...(attribute === undefined ? {} : { attribute }) });
  }

  private resultType(node: NodeWire, index: number, input: readonly string[]): number {
    const { opType = '' } = node;
    if (opType === 'Cast') return intAttribute(node, 'to', FLOAT);
    if (TRUTH.has(opType)) return BOOL;
    if (INDICES.has(opType) || (opType === 'TopK' && index === 1)) return INT64;
    const source = opType === 'Where' ? input[1] : input.find((name) => name !== '');
    return this.types.get(source ?? '') ?? FLOAT;
  }

  /** The tensor in a float type: itself, a constant of that type, or behind a Cast. */
  private as(name: string, type: number): string {
    if (this.types.get(name) === type) return name;
    const key = `${name} ${type}`;
    const known = this.casts.get(key);
    if (known !== undefined) return known;
    const suffix = type === HALF ? 'f16' : 'f32';
    const other = this.graph.fresh(`${name}_${suffix}`);
    const constant = type === HALF ? this.graph.floats(name) : undefined;
    if (constant !== undefined) {
      const bits = Uint16Array.from(constant.data, (value) => f16Bits(withinHalf(value)));
      this.graph.add(onnxTensor(other, 'f16', constant.dims, bits));
    } else this.nodes.push(onnxNode('Cast', this.graph.fresh(`${name}_to_${suffix}`), [name], [other], { to: type }));
    this.types.set(other, type);
    this.casts.set(key, other);
    return other;
  }

  /** Network outputs are float32 under their own names. */
  private restoreOutputs(): void {
    for (const { name = '' } of this.graph.graph.output ?? []) {
      if (this.types.get(name) !== HALF) continue;
      const half = this.graph.fresh(`${name}_f16`);
      for (const node of this.graph.nodes) {
        node.output = node.output?.map((own) => (own === name ? half : own)) ?? [];
        node.input = node.input?.map((own) => (own === name ? half : own)) ?? [];
      }
      this.graph.nodes.push(onnxNode('Cast', this.graph.fresh(`${name}_to_f32`), [half], [name], { to: FLOAT }));
    }
  }
}

/** Tiny numbers do not become 0, large ones not infinite. */
function withinHalf(value: number): number {
  const magnitude = Math.abs(value);
  if (magnitude === 0) return value;
  return Math.sign(value) * Math.min(LARGEST, Math.max(SMALLEST, magnitude));
}
