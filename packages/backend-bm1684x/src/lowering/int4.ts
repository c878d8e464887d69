import { getScaleAndShift, type KnownOp, type OpOf, toInt } from '@q/ir';
import { extendedFormOf, type Quantizer, quantizerOfRange, refuseOp, uniformType } from '@q/ir/lowering';
import { int4Listing, isInt4Kind } from '../int4-operators.ts';
import type { Bm168xContext } from './context.ts';
import { addOperands, constantParameters, emitSums, factorsOf, lowerConv, requantAttributes } from './convolution.ts';
import { quantizeBias, quantizeFilter } from './filter.ts';
import { biasOperand, quantizeRight, quantizeRightBias } from './mat-mul.ts';
import { emitRequant } from './requant-table.ts';

/** Where an INT4 operator's codes come from and go to (numerics.md 13). */
interface Boundary {
  readonly input: string;
  readonly inputQuantizer: Quantizer;
  readonly output4: Quantizer;
  readonly output8: Quantizer;
  /** Which kinds of operators read the result. */
  readonly readers: 'int4' | 'int8' | 'both';
}

/**
 * Parameters of 8-bit results and of operands that arrive in 8 bits: asymmetric ones of the table's own bounds, also in
 * symmetric networks, where the table has rows for both widths; 1 and 0 otherwise.
 */
function int8Output(context: Bm168xContext, op: KnownOp): Quantizer {
  const { signed } = context.quantizerOf(op.name, op, context.asymmetric, 4);
  const isListed = int4Listing(context.plan);
  const leaves = context.graph.usersOf(op.name).some((user) => !isListed(user));
  const row = isListed(op) && leaves ? context.plan.values.get(op.name) : undefined;
  if (row === undefined) return { scale: 1, zeroPoint: 0, signed };
  const { scale, zeroPoint } = quantizerOfRange(row, true);
  const quantizer = { scale, zeroPoint, signed };
  context.setInt8Form(op.name, quantizer);
  return quantizer;
}

/** An 8-bit operand of a listed operator is requantized to 4 bits; others are read as they are. */
function int4Input(context: Bm168xContext, op: KnownOp): { readonly name: string; readonly quantizer: Quantizer } {
  const value = op.inputs[0]!;
  const isListed = int4Listing(context.plan);
  const producer = context.graph.producerOf(value);
  const isBoundary = isListed(op) && producer !== undefined && !isListed(producer) && producer.type !== 'top.Input';
  const row = isBoundary ? context.plan.sections?.int4.get(value) : undefined;
  context.fourBitReaders.add(op.name);
  if (row === undefined) {
    return { name: value, quantizer: context.quantizerOf(value, op, context.asymmetric, 4) };
  }
  const { scale, zeroPoint } = quantizerOfRange(row, true, 4);
  const from = context.quantizerOf(value, op);
  const quantizer = { scale, zeroPoint, signed: from.signed };
  const factor = from.scale / scale;
  const name = `${value}_to_b4_for_${op.name}`;
  const attributes = { scale: factor, offset: zeroPoint - from.zeroPoint * factor };
  const type = uniformType(context.shapeOf(value), quantizer, 4);
  context.emitAs({ ...op, name, outputs: [name] } as KnownOp, 'tpu.RequantFp', [value], attributes, type);
  return { name, quantizer };
}

function boundaryOf(context: Bm168xContext, op: KnownOp, outputCountsAs: 'int4' | 'int8'): Boundary {
  const { name, quantizer } = int4Input(context, op);
  const users = context.graph.usersOf(op.name);
  const isOutput = context.graph.outputs.includes(op.name);
  const kinds = new Set<'int4' | 'int8'>(users.map((user) => (isInt4Kind(user) ? 'int4' : 'int8')));
  if (isOutput && outputCountsAs === 'int4') kinds.clear();
  if (isOutput) kinds.add(outputCountsAs);
  const readers = kinds.size === 2 ? 'both' : kinds.has('int4') ? 'int4' : 'int8';
  return {
    input: name,
    inputQuantizer: quantizer,
    output4: context.quantizerOf(op.name, op, context.asymmetric, 4),
    output8: int8Output(context, op),
    readers,
  };
}

/** INT4 convolution; a depthwise one runs in INT8. */
export function lowerConvInt4(context: Bm168xContext, op: OpOf<'top.Conv'>): boolean {
  const parameters = constantParameters(context, op);
  if (!isInt4Kind(op) || op.attributes.kernelShape.length > 2) return lowerConv(context, op);
  if (parameters === undefined) return false;
  const form = extendedFormOf(op);
  const { input, inputQuantizer, output4, output8, readers } = boundaryOf(context, op, 'int8');
  const filter = quantizeFilter(parameters.filter, {
    oc: context.shapeOf(op.inputs[1]!)[0]!,
    hasBias: parameters.bias !== undefined,
    bits: 4,
    given: context.weightScalesOf(op),
  });
  const bias = quantizeBias(parameters.bias, filter, inputQuantizer);
  const inputs = addOperands(context, op, { input, filter, bias }, 4);
  const attributes = { ...form.attributes, withBias: bias !== undefined };
  const shape = context.shapeOf(op.name);
  const result = (quantizer: Quantizer) => factorsOf(filter, inputQuantizer.scale, quantizer.scale);
  if (readers !== 'both') {
    const [output, bits] = readers === 'int4' ? [output4, 4 as const] : [output8, 8 as const];
    const requant = requantAttributes(result(output));
    context.emitAs(op, form.type, inputs, { ...attributes, ...requant }, uniformType(shape, output, bits));
    return true;
  }
  const sums = emitSums(context, op, '_int32', inputs, attributes);
  context.fourBitReaders.add(sums);
  const names = { int8: `requant_int8_for_${op.name}`, int4: `requant_int4_for_${op.name}` };
  for (const [kind, quantizer, bits] of [
    ['int8', output8, 8],
    ['int4', output4, 4],
  ] as const) {
    emitRequant(context, { ...op, name: names[kind], outputs: [names[kind]] } as KnownOp, {
      sums,
      owner: op.name,
      weightSuffix: `w_quant_${kind}_for_${op.name}`,
      factors: result(quantizer),
      // Upstream writes the 4-bit zero point into both tables.
      zeroPoint: output4.zeroPoint,
      spatial: 2,
      type: uniformType(shape, quantizer, bits),
    });
  }
  context.split(op.name, names);
  return true;
}

/** INT4 product with weights; of two activations, the INT8 one under INT4's idea of its result. */
export function lowerMatMulInt4(context: Bm168xContext, op: OpOf<'top.MatMul'>): true | 'F16' | 'F32' {
  const [left, right, biasName] = op.inputs as readonly [string, string, (string | null)?];
  if (context.isWeight(left) || (biasName != null && !context.isWeight(biasName))) return 'F16';
  if (!context.isWeight(right)) return context.asymmetric ? 'F32' : lowerActivationsInt4(context, op);
  const { input, inputQuantizer, output4, output8, readers } = boundaryOf(context, op, 'int4');
  if (readers === 'both') {
    refuseOp(op, 'an INT4 product that both INT4 and other operators read', 'readers of one kind; or INT8 for it');
  }
  const weights = quantizeRight(context, op, { bits: 4, given: context.weightScalesOf(op)?.slice(0, 1) });
  const output = readers === 'int4' ? output4 : output8;
  const factor = Math.fround((weights.scales[0]! * inputQuantizer.scale) / output.scale);
  const { multiplier, rshift } = getScaleAndShift(factor, 32);
  const filter = { shape: context.shapeOf(right), dtype: 'i8', spelling: 'i8' } as const;
  const inputs = [
    input,
    context.addWeight(op.name, 'filter_int4', filter, weights.codes),
    biasOperand(context, op, quantizeRightBias(context, op, weights, inputQuantizer)),
  ];
  const attributes = { ...extendedFormOf(op).attributes, multipliers: [multiplier], rshifts: [rshift] };
  const type = uniformType(context.shapeOf(op.name), output, readers === 'int4' ? 4 : 8);
  context.emitAs(op, 'tpu.MatMul', inputs, attributes, type);
  return true;
}

/** The factor is INT8's; the result's declared scale is the one that INT4 results have for 8-bit readers. */
function lowerActivationsInt4(context: Bm168xContext, op: OpOf<'top.MatMul'>): true {
  const [left, right, biasName] = op.inputs as readonly [string, string, (string | null)?];
  const product = context.quantizerOf(left, op).scale * context.quantizerOf(right, op).scale;
  const output = context.quantizerOf(op.name, op);
  const bias =
    biasName == null ? undefined : Int32Array.from(context.floats(biasName), (value) => toInt(value / product));
  const { multiplier, rshift } = getScaleAndShift(Math.fround(product / output.scale), 32);
  const attributes = { ...extendedFormOf(op).attributes, multipliers: [multiplier], rshifts: [rshift] };
  const type = uniformType(context.shapeOf(op.name), int8Output(context, op));
  context.fourBitReaders.add(op.name);
  context.emitAs(op, 'tpu.MatMul', [left, right, biasOperand(context, op, bias)], attributes, type);
  return true;
}
