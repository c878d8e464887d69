/**
 * Operators declare their attributes once, as data. From that declaration come the TypeScript type of `op.attributes`,
 * the defaults, and the `.mlir` spelling (ir.md 2.4), so the three cannot disagree.
 */

/** An `.mlir` attribute kept as it was read: for operators and attributes that this version does not know. */
export type MlirAttribute =
  | { readonly kind: 'unit' }
  | { readonly kind: 'bool'; readonly value: boolean }
  | { readonly kind: 'int'; readonly value: number | bigint; readonly type?: string }
  | { readonly kind: 'float'; readonly value: number; readonly type?: string }
  | { readonly kind: 'string'; readonly value: string }
  | { readonly kind: 'array'; readonly items: readonly MlirAttribute[] }
  /** Types, symbols, dictionaries, dense data, `#dialect<…>`: the exact source text. */
  | { readonly kind: 'verbatim'; readonly text: string };

interface KindTypes {
  bool: boolean;
  string: string;
  i64: number;
  si32: number;
  /** Spelled `0 : i32`. */
  i32: number;
  f64: number;
  'i64[]': readonly number[];
  /** Elements carry their type: `[0 : i32, 3 : i32]`. */
  'i32[]': readonly number[];
  /** May hold INT64_MAX and the like: elements beyond 2^53 are bigint. */
  'wide[]': readonly (number | bigint)[];
  'f64[]': readonly number[];
  'string[]': readonly string[];
  /** `array<i32: …>` */
  'i32dense[]': readonly number[];
  /** `#tpu<name Value>`: the value's spelling. */
  enum: string;
}
export type AttributeKind = keyof KindTypes;

export interface AttributeSpec<K extends AttributeKind = AttributeKind, Optional extends boolean = boolean> {
  readonly kind: K;
  /** Name in `.mlir` text. */
  readonly mlir: string;
  readonly optional: Optional;
  /** Value of a missing attribute; absent for required and for optional ones. */
  readonly fallback?: KindTypes[K];
  /** Ours, not TPU-MLIR's: set only where an ONNX node says more than Top does. */
  readonly isOwn?: true;
  /** Name of the enumeration for `enum` attributes, e.g. `tpu<rq_mode …>`. */
  readonly enumeration?: string;
}

export type AttributeSchema = Readonly<Record<string, AttributeSpec>>;

type OptionalKeys<S extends AttributeSchema> = { [K in keyof S]: S[K]['optional'] extends true ? K : never }[keyof S];

/** The type of `op.attributes` that a schema describes. */
export type AttributesOf<S extends AttributeSchema> = {
  readonly [K in Exclude<keyof S, OptionalKeys<S>>]: KindTypes[S[K]['kind']];
} & { readonly [K in OptionalKeys<S>]?: KindTypes[S[K]['kind']] };

/** A required attribute. */
export function required<K extends AttributeKind>(kind: K, mlir: string): AttributeSpec<K, false> {
  return { kind, mlir, optional: false };
}

/** An attribute that is printed only when set. */
export function optional<K extends AttributeKind>(kind: K, mlir: string): AttributeSpec<K, true> {
  return { kind, mlir, optional: true };
}

/** An optional attribute that TPU-MLIR does not have: printed when set, and then only this project reads the op right. */
export function own<K extends AttributeKind>(kind: K, mlir: string): AttributeSpec<K, true> {
  return { kind, mlir, optional: true, isOwn: true };
}

/** An attribute whose missing value means `fallback`; writers print it all the same. */
export function defaulted<K extends AttributeKind>(
  kind: K,
  mlir: string,
  fallback: KindTypes[K],
): AttributeSpec<K, false> {
  return { kind, mlir, optional: false, fallback };
}

/** An enumeration attribute `#tpu<NAME VALUE>`; a missing one means `fallback` where that is given. */
export function enumeration(mlir: string, name: string, fallback?: string): AttributeSpec<'enum', false> {
  return { kind: 'enum', mlir, optional: false, enumeration: name, ...(fallback === undefined ? {} : { fallback }) };
}
