/** Every exported declaration carries a doc comment directly above it. */
export const requireTsdoc = {
  meta: {
    type: 'suggestion',
    schema: [],
    messages: {
      missing: 'Exported {{name}} has no TSDoc: say what it means, in which unit, and what it throws.',
    },
  },
  create(context) {
    const { sourceCode } = context;

    const isDocumented = node => {
      const comment = sourceCode.getCommentsBefore(node).at(-1);
      return (
        comment !== undefined &&
        comment.type === 'Block' &&
        comment.value.startsWith('*') &&
        comment.loc.end.line >= node.loc.start.line - 1
      );
    };
    const check = (node, name) => {
      if (!isDocumented(node)) context.report({ node, messageId: 'missing', data: { name } });
    };
    const namesOf = declaration =>
      declaration.type === 'VariableDeclaration'
        ? declaration.declarations.map(({ id }) => sourceCode.getText(id).split(':')[0]).join(', ')
        : (declaration.id?.name ?? 'declaration');

    let overloaded = null;
    return {
      ExportNamedDeclaration(node) {
        if (node.declaration === null) return;
        const name = namesOf(node.declaration);
        // Of an overloaded function, the first signature speaks for all.
        if (name !== overloaded) check(node, name);
        overloaded = node.declaration.type === 'TSDeclareFunction' ? name : null;
      },
      ExportDefaultDeclaration: node => check(node, 'default'),
    };
  },
};
