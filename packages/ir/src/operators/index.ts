import type { AttributesOf } from '../attribute-schema.ts';
import { convolutionRows } from './convolution.ts';
import type { OperatorRow } from './row.ts';
import { structureRows } from './structure.ts';

/** Every operator that the IR knows, by mnemonic: `top.*` for networks, `tpu.*` for lowered graphs. */
const rows = {
  ...structureRows,
  ...convolutionRows,
} as const;

type Rows = typeof rows;
export type OpType = keyof Rows;
export type OpAttributes = { readonly [T in OpType]: AttributesOf<Rows[T]['attributes']> };

export const operatorTable: { readonly [T in OpType]: OperatorRow } = rows as unknown as { readonly [T in OpType]: OperatorRow };
