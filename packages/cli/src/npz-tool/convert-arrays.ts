import { bf16Bits, bytesOf, f16Bits, f32FromBf16Bits, f32FromF16Bits, QError, type Tensor, writeNpy } from '@q/ir';
import { numpyType, shapeText, valuesOf } from '@q/search';
import { exitStatus } from '../command.ts';
import { writeFileWhole } from '../files/output-files.ts';
import { arrayOf, openNpz, saveNpz } from './npz-files.ts';
import { positional, type Subcommand } from './subcommand.ts';

/** A command that converts the arrays of one type and copies the others. */
function converter(summary: string, convert: (tensor: Tensor) => Tensor): Subcommand {
  return {
    summary,
    declare: positional('input', 'output'),
    run(args) {
      const converted = [...openNpz(args.string('input'))].map(([name, tensor]) => [name, convert(tensor)] as const);
      saveNpz(args.string('output'), new Map(converted));
      return exitStatus.ok;
    },
  };
}

const widen =
  (value: (bits: number) => number) =>
  (tensor: Tensor): Tensor =>
    tensor.dtype === 'u16' || tensor.dtype === 'bf16'
      ? { shape: tensor.shape, dtype: 'f32', data: Float32Array.from(tensor.data as Uint16Array, value) }
      : tensor;

const narrow =
  (bits: (value: number) => number) =>
  (tensor: Tensor): Tensor =>
    tensor.dtype === 'f32'
      ? { shape: tensor.shape, dtype: 'u16', data: Uint16Array.from(tensor.data as Float32Array, bits) }
      : tensor;

const ELEMENT_TYPES: Readonly<Record<string, (values: Float64Array) => Int8Array | Uint16Array | Float32Array>> = {
  int8: (values) => Int8Array.from(values),
  bf16: (values) => Uint16Array.from(values),
  uint16: (values) => Uint16Array.from(values),
  float32: (values) => Float32Array.from(values),
};

const toBin: Subcommand = {
  summary: 'the bare bytes of an array: file name output.bin [int8|bf16|float32]',
  declare: positional('file', 'name', 'output', 'type?'),
  run(args, terminal) {
    const path = args.string('file');
    const tensor = arrayOf(openNpz(path), args.string('name'), path);
    terminal.print(`shape ${shapeText(tensor.shape)}`);
    terminal.print(`dtype ${numpyType(tensor)}`);
    writeFileWhole(args.string('output'), bytesOf(converted(tensor, args.optionalString('type'))));
    return exitStatus.ok;
  },
};

function converted(tensor: Tensor, type: string | undefined): Tensor['data'] {
  if (type === undefined) return tensor.data;
  const convert = ELEMENT_TYPES[type];
  if (convert === undefined) {
    throw new QError(`Invalid dtype ${type}`, {
      code: 'cli.bad-flag-value',
      where: 'npz_tool to_bin',
      found: type,
      expected: Object.keys(ELEMENT_TYPES).join(', '),
    });
  }
  // The original converts numbers, not bits: `bf16` is what it calls 16-bit integers.
  return convert(tensor.dtype === 'u16' ? Float64Array.from(tensor.data as Uint16Array) : valuesOf(tensor));
}

const toDat: Subcommand = {
  summary: 'the bare bytes of all arrays, one behind the other',
  declare: positional('file', 'output'),
  run(args) {
    const parts = [...openNpz(args.string('file')).values()].map(({ data }) => bytesOf(data));
    const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
    let at = 0;
    for (const part of parts) {
      whole.set(part, at);
      at += part.length;
    }
    writeFileWhole(args.string('output'), whole);
    return exitStatus.ok;
  },
};

const toNpy: Subcommand = {
  summary: 'an array as NAME.npy',
  declare: positional('file', 'name'),
  run(args) {
    const [path, name] = [args.string('file'), args.string('name')];
    writeFileWhole(`${name}.npy`, writeNpy(arrayOf(openNpz(path), name, path)));
    return exitStatus.ok;
  },
};

export const converting: Readonly<Record<string, Subcommand>> = {
  bf16_to_fp32: converter('BF16 bits (uint16) as float32', widen(f32FromBf16Bits)),
  fp16_to_fp32: converter('F16 bits (uint16) as float32', widen(f32FromF16Bits)),
  fp32_to_bf16: converter('float32 as BF16 bits (uint16), half to even', narrow(bf16Bits)),
  fp32_to_fp16: converter('float32 as F16 bits (uint16)', narrow(f16Bits)),
  to_bin: toBin,
  to_dat: toDat,
  to_npy: toNpy,
};
