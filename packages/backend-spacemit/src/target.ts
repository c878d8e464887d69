import { type Artefact, type Graph, type Op, type Precision, QError, type Target } from '@q/ir';
import { exportOnnx, hasOnnxForm } from '@q/ir/onnx';
import { lower } from './lower.ts';
import { isQuantizable } from './operators.ts';
import { PROCESSORS } from './processors.ts';
import { RAW_SUFFIX } from './qdq-builder.ts';

function checkProcessor(processor: string): void {
  if (PROCESSORS.includes(processor)) return;
  throw new QError(`${processor} is not a SpacemiT processor.`, {
    code: 'spacemit.processor',
    found: processor,
    expected: PROCESSORS.join(', '),
  });
}

function precisions(op: Op, processor: string): readonly Precision[] {
  checkProcessor(processor);
  if (op.type === 'unknown' || !hasOnnxForm(op)) return [];
  return isQuantizable(op) ? ['INT8', 'F32'] : ['F32'];
}

/**
 * Nodes keep the layer names, because the execution provider's filters select by them (spacemit.md 13); the
 * DequantizeLinear that carries a value's name gets one of its own.
 */
function nodeNames(lowered: Graph): Map<string, string> {
  const names = new Map<string, string>();
  for (const { name } of lowered.ops) {
    if (!name.endsWith(RAW_SUFFIX)) continue;
    const layer = name.slice(0, -RAW_SUFFIX.length);
    names.set(name, layer);
    names.set(layer, `${layer}_DequantizeLinear`);
    names.set(`${layer}_quantized`, `${layer}_QuantizeLinear`);
  }
  return names;
}

function artefacts(lowered: Graph): readonly Artefact[] {
  return [
    {
      name: `${lowered.name}.q.onnx`,
      bytes: exportOnnx(lowered, { nodeNames: nodeNames(lowered) }),
      description: 'QDQ model for the SpacemiT execution provider of ONNX Runtime',
    },
  ];
}

/** SpacemiT K1 and K3: INT8 as an ONNX model with QuantizeLinear and DequantizeLinear nodes, float elsewhere. */
export const spacemit: Target = {
  name: 'spacemit',
  processors: PROCESSORS,
  floatType: (processor) => {
    checkProcessor(processor);
    return 'F32';
  },
  precisions,
  lower,
  artefacts,
};
