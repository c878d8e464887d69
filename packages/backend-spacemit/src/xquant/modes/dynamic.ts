import { editOnnx, type NodeWire, onnxDataType, onnxNode, onnxTensor } from '@q/ir/onnx';
import { roundHalfEven } from '../../parameters.ts';
import type { XquantConfig } from '../config/settings.ts';
import { intAttribute, WireGraph } from './wire-graph.ts';

const LARGEST = 127;

/**
 * `precision_level` 3 (spacemit.md 12.1): products with a constant compute in integers, on activations that are quantized as
 * they come; convolutions, Gemms and other products keep float arithmetic and int8 weights. Needs no calibration.
 */
export function quantizeDynamically(bytes: Uint8Array, config: XquantConfig): Uint8Array {
  const { ignoreOpTypes, ignoreOpNames } = config.quantization;
  const isIgnored = ({ opType = '', name = '' }: NodeWire) =>
    ignoreOpTypes.includes(opType) || ignoreOpNames.includes(name);
  return editOnnx(bytes, (model) => {
    const graph = new WireGraph(model.graph!);
    const products = graph.nodes.filter((node) => isProduct(node, graph) && !isIgnored(node));
    const rewriting = new ProductRewriting(graph, products);
    graph.nodes = graph.nodes.flatMap((node) =>
      products.includes(node) ? rewriting.rewrite(node) : isIgnored(node) ? [node] : weightOnly(node, graph),
    );
    graph.finish();
    model.producerName = 'xslim';
    if (rewriting.usesFused)
      model.opsetImport = [...(model.opsetImport ?? []), { domain: 'com.microsoft', version: 1 }];
  });
}

function isProduct({ opType, input = [] }: NodeWire, graph: WireGraph): boolean {
  return opType === 'MatMul' && !graph.isConstant(input[0]!) && graph.floats(input[1])?.dims.length === 2;
}

class ProductRewriting {
  usesFused = false;
  private readonly sharing = new Map<string, number>();
  private readonly quantized = new Map<string, readonly [codes: string, scale: string, zero: string]>();

  constructor(
    private readonly graph: WireGraph,
    products: readonly NodeWire[],
  ) {
    for (const { input } of products) this.sharing.set(input![0]!, (this.sharing.get(input![0]!) ?? 0) + 1);
  }

  /** One fused operator where nothing else reads the codes of the activation, the separate steps otherwise. */
  rewrite(node: NodeWire): NodeWire[] {
    const [x, weight] = node.input as [string, string];
    const { data, dims } = this.graph.floats(weight)!;
    const { codes, scale, zero } = this.constant(weight, data, dims);
    if (this.sharing.get(x) === 1) {
      this.usesFused = true;
      const fused = onnxNode('DynamicQuantizeMatMul', node.name ?? '', [x, codes, scale, zero], node.output ?? []);
      return [{ ...fused, domain: 'com.microsoft' }];
    }
    const steps: NodeWire[] = [];
    let own = this.quantized.get(x);
    if (own === undefined) {
      own = [this.graph.fresh(`${x}_codes`), this.graph.fresh(`${x}_scale`), this.graph.fresh(`${x}_zero_point`)];
      this.quantized.set(x, own);
      steps.push(onnxNode('DynamicQuantizeLinear', this.graph.fresh(`${x}_DynamicQuantizeLinear`), [x], own));
    }
    const [output] = node.output as [string];
    const [sum, real, factor] = ['_sum', '_sum_f32', '_factor'].map((end) => this.graph.fresh(output + end)) as [
      string,
      string,
      string,
    ];
    const name = (type: string) => this.graph.fresh(`${node.name}_${type}`);
    steps.push(
      onnxNode('MatMulInteger', node.name ?? '', [own[0], codes, own[2], zero], [sum]),
      onnxNode('Cast', name('Cast'), [sum], [real], { to: onnxDataType('f32') }),
      onnxNode('Mul', name('scales'), [own[1], scale], [factor]),
      onnxNode('Mul', name('Mul'), [real, factor], [output]),
    );
    return steps;
  }

  private constant(name: string, data: Float32Array, dims: readonly number[]) {
    const { codes, scales } = symmetricCodes(data, dims, 1);
    const [columns] = [dims[1]!];
    return {
      codes: this.graph.add(onnxTensor(this.graph.fresh(`${name}_quantized`), 'i8', dims, codes)),
      scale: this.graph.add(onnxTensor(this.graph.fresh(`${name}_scale`), 'f32', [columns], scales)),
      zero: this.graph.add(onnxTensor(this.graph.fresh(`${name}_zero_point`), 'i8', [columns], new Int8Array(columns))),
    };
  }
}

/** The weight of a node that computes in float, as int8 with a DequantizeLinear. */
function weightOnly(node: NodeWire, graph: WireGraph): NodeWire[] {
  const weight = node.input?.[1];
  const constant = graph.floats(weight);
  const axis = constant === undefined ? undefined : channelAxis(node, constant.dims);
  if (constant === undefined || axis === undefined || constant.data.every(isWhole)) return [node];
  const { codes, scales } = symmetricCodes(constant.data, constant.dims, axis);
  const [stored, real] = [graph.fresh(`${weight}_quantized`), graph.fresh(`${weight}_dequantized`)];
  const inputs = [
    graph.add(onnxTensor(stored, 'i8', constant.dims, codes)),
    graph.add(onnxTensor(graph.fresh(`${weight}_scale`), 'f32', [scales.length], scales)),
    graph.add(onnxTensor(graph.fresh(`${weight}_zero_point`), 'i8', [scales.length], new Int8Array(scales.length))),
  ];
  const name = graph.fresh(`${node.name}_weight_DequantizeLinear`);
  return [
    onnxNode('DequantizeLinear', name, inputs, [real], { axis }),
    { ...node, input: node.input!.map((input, i) => (i === 1 ? real : input)) },
  ];
}

/** Dimension of the output channels; undefined for nodes whose weight stays float. */
function channelAxis(node: NodeWire, dims: readonly number[]): number | undefined {
  switch (node.opType) {
    case 'Conv':
      return 0;
    case 'Gemm':
      return intAttribute(node, 'transB', 0) === 1 ? 0 : 1;
    case 'MatMul':
      return dims.length === 2 ? 1 : undefined;
    case 'ConvTranspose':
      return intAttribute(node, 'group', 1) === 1 ? 1 : undefined;
    default:
      return undefined;
  }
}

/** Weights that are whole numbers already lose nothing as they are. */
function isWhole(value: number): boolean {
  return Math.abs(value - Math.round(value)) <= 1e-5 + 1e-3 * Math.abs(Math.round(value));
}

/** Scale max|w| / 127 per channel, codes −127 … 127. */
function symmetricCodes(data: Float32Array, dims: readonly number[], axis: number) {
  const inner = dims.slice(axis + 1).reduce((product, dim) => product * dim, 1);
  const channels = dims[axis]!;
  const channelOf = (i: number) => Math.floor(i / inner) % channels;
  const largest = new Float64Array(channels);
  data.forEach((value, i) => {
    largest[channelOf(i)] = Math.max(largest[channelOf(i)]!, Math.abs(value));
  });
  const scales = Float32Array.from(largest, (value) => (value === 0 ? 1 : value / LARGEST));
  const codes = Int8Array.from(data, (value, i) => {
    const code = roundHalfEven(Math.fround(value / scales[channelOf(i)]!));
    return Math.min(LARGEST, Math.max(-LARGEST, code));
  });
  return { codes, scales };
}
