import ts from 'typescript';

const printer = ts.createPrinter({ removeComments: true });

/**
 * A declaration as users see it: no comments, no private members, no `declare`.
 * @param {ts.Declaration} declaration
 */
export function declarationText(declaration) {
  const source = declaration.getSourceFile();
  const result = ts.transform(visible(declaration), [dropPrivate]);
  const text = printer.printNode(ts.EmitHint.Unspecified, result.transformed[0] ?? declaration, source);
  result.dispose();
  return text.replace(/^(?:export )?(?:default )?(?:declare )?/, '').replace(/;$/, '');
}

/**
 * A variable alone has no `const`; its statement does.
 * @param {ts.Declaration} declaration
 * @returns {ts.Node}
 */
function visible(declaration) {
  return ts.isVariableDeclaration(declaration) ? declaration.parent.parent : declaration;
}

/** @type {ts.TransformerFactory<ts.Node>} */
const dropPrivate = (context) => {
  /** @param {ts.Node} node @returns {ts.Node | undefined} */
  const visit = (node) => {
    if (ts.isClassElement(node)) {
      const modifiers = ts.canHaveModifiers(node) ? (ts.getModifiers(node) ?? []) : [];
      const hidden = modifiers.some(({ kind }) => kind === ts.SyntaxKind.PrivateKeyword);
      if (hidden || (node.name && ts.isPrivateIdentifier(node.name))) return undefined;
    }
    return ts.visitEachChild(node, visit, context);
  };
  return (node) => ts.visitEachChild(node, visit, context);
};
