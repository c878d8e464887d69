import { type Dictionary, type NamedAttribute, readAttribute, readDictionary, readSymbol } from './attribute-syntax.ts';
import { Scanner } from './scanner.ts';
import { readFunctionType, readResultTypes, readType, type TypeSyntax } from './type-syntax.ts';

/** Names of a location: literal ones and aliases (`#loc3`) to resolve; empty when unknown. */
export type LocationSyntax = readonly { readonly name?: string; readonly alias?: string }[];

export interface OpSyntax {
  /** `top.Conv`, `return` or `call`. */
  readonly mnemonic: string;
  /** Names of the results, one per result: `%5`, `%12#0`. */
  readonly results: readonly string[];
  readonly operands: readonly string[];
  readonly attributes: Dictionary;
  readonly operandTypes: readonly TypeSyntax[];
  readonly resultTypes: readonly TypeSyntax[];
  readonly location: LocationSyntax;
  readonly hasRegions: boolean;
  readonly at: number;
}

export interface FunctionSyntax {
  readonly name: string;
  readonly arguments: readonly { readonly id: string; readonly type: TypeSyntax }[];
  readonly ops: readonly OpSyntax[];
  readonly at: number;
}

export interface ModuleSyntax {
  readonly name: string | undefined;
  readonly attributes: Dictionary;
  readonly functions: readonly FunctionSyntax[];
  readonly modules: readonly ModuleSyntax[];
  readonly at: number;
}

export interface FileSyntax {
  readonly scanner: Scanner;
  readonly module: ModuleSyntax;
  readonly locations: ReadonlyMap<string, LocationSyntax>;
  readonly attributes: ReadonlyMap<string, NamedAttribute>;
}

const NO_ATTRIBUTES: Dictionary = new Map();
const SSA = /%(?:\d+|[A-Za-z_$.-][\w$.-]*)/y;

/** Reads the grammar of ir.md 2.2. @throws QError `mlir.syntax` with line and column */
export function readFile(text: string, where: string): FileSyntax {
  const scanner = new Scanner(text, where);
  const locations = new Map<string, LocationSyntax>();
  const attributes = new Map<string, NamedAttribute>();
  let module: ModuleSyntax | undefined;
  while (!scanner.isAtEnd) {
    const at = scanner.at;
    const alias = scanner.match(/#[A-Za-z_][\w$.-]*/y)?.[0];
    if (alias !== undefined) {
      scanner.expect('=');
      if (scanner.takeWord('loc')) locations.set(alias, readLocationBody(scanner));
      else attributes.set(alias, { at, value: readAttribute(scanner) });
    } else if (module === undefined && scanner.takeWord('module')) module = readModule(scanner, at);
    else scanner.fail(module === undefined ? "'module' or an alias" : 'an alias or the end');
  }
  return { scanner, module: module ?? scanner.fail("'module'"), locations, attributes };
}

function readModule(scanner: Scanner, at: number): ModuleSyntax {
  const name = scanner.take('@') ? readSymbol(scanner) : undefined;
  const attributes = scanner.takeWord('attributes') ? readDictionary(scanner) : NO_ATTRIBUTES;
  const functions: FunctionSyntax[] = [];
  const modules: ModuleSyntax[] = [];
  scanner.expect('{');
  scanner.nested(() => {
    while (!scanner.take('}')) {
      const start = scanner.at;
      if (scanner.takeWord('module')) modules.push(readModule(scanner, start));
      else if (scanner.takeWord('func.func') || scanner.takeWord('func')) functions.push(readFunction(scanner, start));
      else scanner.fail("'func.func', 'module' or '}'");
    }
  });
  readTrailingLocation(scanner);
  return { name, attributes, functions, modules, at };
}

function readFunction(scanner: Scanner, at: number): FunctionSyntax {
  scanner.match(/(?:private|public|nested)\b/y);
  scanner.expect('@');
  const name = readSymbol(scanner);
  const parameters = scanner.list('(', ')', () => {
    const id = scanner.expectMatch(SSA, 'an argument');
    scanner.expect(':');
    const type = readType(scanner);
    if (scanner.sees('{')) readDictionary(scanner);
    readTrailingLocation(scanner);
    return { id, type };
  });
  if (scanner.take('->')) readResultTypes(scanner);
  if (scanner.takeWord('attributes')) readDictionary(scanner);
  const ops = scanner.sees('{') ? readBlock(scanner) : [];
  readTrailingLocation(scanner);
  return { name, arguments: parameters, ops, at };
}

/** `{ lines }`, with an optional `^label(args):` at the front of a block. */
function readBlock(scanner: Scanner): OpSyntax[] {
  const ops: OpSyntax[] = [];
  scanner.expect('{');
  scanner.nested(() => {
    while (!scanner.take('}')) {
      if (scanner.match(/\^[\w$.-]+/y) !== undefined) {
        if (scanner.sees('(')) {
          scanner.list('(', ')', () => {
            scanner.expectMatch(SSA, 'an argument');
            scanner.expect(':');
            readType(scanner);
            readTrailingLocation(scanner);
          });
        }
        scanner.expect(':');
      } else ops.push(readOp(scanner));
    }
  });
  return ops;
}

function readOp(scanner: Scanner): OpSyntax {
  const at = scanner.at;
  const results = scanner.sees('%') ? readResults(scanner) : [];
  if (scanner.takeWord('return') || scanner.takeWord('func.return')) return readReturn(scanner, at);
  if (scanner.takeWord('call') || scanner.takeWord('func.call')) {
    scanner.expect('@');
    readSymbol(scanner);
    return readGeneric(scanner, 'call', results, at);
  }
  const mnemonic = scanner.takeString();
  if (mnemonic === undefined) scanner.fail('an operator in quotes, return or call');
  return readGeneric(scanner, mnemonic, results, at);
}

function readResults(scanner: Scanner): string[] {
  const results: string[] = [];
  do {
    const id = scanner.expectMatch(SSA, 'a result');
    const count = scanner.match(/:\s*(\d+)/y)?.[1];
    if (count === undefined) results.push(id);
    else if (Number(count) > 10_000) scanner.fail('fewer results');
    else results.push(...Array.from({ length: Number(count) }, (_, i) => `${id}#${i}`));
  } while (scanner.take(','));
  scanner.expect('=');
  return results;
}

function readOperand(scanner: Scanner): string {
  const id = scanner.expectMatch(SSA, 'an operand');
  return id + (scanner.match(/#\d+/y)?.[0] ?? '');
}

function readGeneric(scanner: Scanner, mnemonic: string, results: string[], at: number): OpSyntax {
  const operands = scanner.list('(', ')', () => readOperand(scanner));
  const properties = scanner.take('<') ? readDictionary(scanner) : NO_ATTRIBUTES;
  if (properties !== NO_ATTRIBUTES) scanner.expect('>');
  const hasRegions = scanner.sees('(');
  if (hasRegions) scanner.list('(', ')', () => scanner.nested(() => readBlock(scanner)));
  const dictionary = scanner.sees('{') ? readDictionary(scanner) : NO_ATTRIBUTES;
  scanner.expect(':');
  const types = readFunctionType(scanner);
  const location = readTrailingLocation(scanner);
  if (types.operands.length !== operands.length) scanner.fail(`types for ${operands.length} operands`, at);
  if (types.results.length !== results.length) scanner.fail(`types for ${results.length} results`, at);
  const attributes = new Map([...properties, ...dictionary]);
  return {
    mnemonic,
    results,
    operands,
    attributes,
    operandTypes: types.operands,
    resultTypes: types.results,
    location,
    hasRegions,
    at,
  };
}

function readReturn(scanner: Scanner, at: number): OpSyntax {
  const operands: string[] = [];
  const operandTypes: TypeSyntax[] = [];
  if (scanner.sees('%')) {
    do operands.push(readOperand(scanner));
    while (scanner.take(','));
    scanner.expect(':');
    do operandTypes.push(readType(scanner));
    while (scanner.take(','));
  }
  const location = readTrailingLocation(scanner);
  return {
    mnemonic: 'return',
    results: [],
    operands,
    attributes: NO_ATTRIBUTES,
    operandTypes,
    resultTypes: [],
    location,
    hasRegions: false,
    at,
  };
}

function readTrailingLocation(scanner: Scanner): LocationSyntax {
  return scanner.takeWord('loc') ? readLocationBody(scanner) : [];
}

/** `(body)`: unknown, a name, a name with what it was called from, an alias, or a fusion of those. */
function readLocationBody(scanner: Scanner): LocationSyntax {
  scanner.expect('(');
  const location = readLocationItem(scanner);
  scanner.expect(')');
  return location;
}

function readLocationItem(scanner: Scanner): LocationSyntax {
  if (scanner.takeWord('unknown')) return [];
  const alias = scanner.match(/#[\w$.-]+/y)?.[0];
  if (alias !== undefined) return [{ alias }];
  if (scanner.takeWord('fused')) {
    scanner.takeAngled();
    return scanner.list('[', ']', () => readLocationItem(scanner)).flat();
  }
  if (scanner.takeWord('loc')) return scanner.nested(() => readLocationBody(scanner));
  const name = scanner.takeString();
  if (name === undefined) scanner.fail('a location');
  if (scanner.match(/:\d+:\d+/y) !== undefined) return [{ name }];
  if (scanner.sees('(')) scanner.nested(() => readLocationBody(scanner));
  return [{ name }];
}
