/** How many lines above an expression the reason may be: one comment can cover a few lines that belong together. */
const REACH_LINES = 6;

const STATEMENT = /Statement$|Declaration$|^PropertyDefinition$/;

/**
 * A cast or a `!` overrules the compiler, so it needs a comment `SAFETY: …` that says why it is right, in the same
 * statement or directly above it. `as const` overrules nothing.
 */
export const requireSafety = {
  meta: {
    type: 'problem',
    schema: [],
    messages: { missing: 'Say why this is right: put a `// SAFETY: …` comment above it.' },
  },
  create(context) {
    const { sourceCode } = context;
    const reasons = sourceCode.getAllComments().filter(({ value }) => /^\s*SAFETY: \S/.test(value));

    const statementOf = node => {
      let statement = node;
      while (!STATEMENT.test(statement.type) && statement.parent !== null) statement = statement.parent;
      return statement.parent?.type.startsWith('Export') ? statement.parent : statement;
    };
    const leads = (reason, statement) =>
      sourceCode.getCommentsBefore(statement).some(comment => comment.range[0] === reason.range[0]);

    const check = node => {
      const statement = statementOf(node);
      const isJustified = reasons.some(
        reason =>
          reason.range[1] <= node.range[1] &&
          node.loc.start.line - reason.loc.end.line <= REACH_LINES &&
          (reason.range[0] >= statement.range[0] || leads(reason, statement)),
      );
      if (!isJustified) context.report({ node, messageId: 'missing' });
    };
    const isConst = ({ typeAnnotation }) =>
      typeAnnotation.type === 'TSTypeReference' && typeAnnotation.typeName.name === 'const';

    return {
      TSAsExpression: node => isConst(node) || check(node),
      TSTypeAssertion: node => isConst(node) || check(node),
      TSNonNullExpression: check,
    };
  },
};
