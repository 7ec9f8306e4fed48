import { readFileSync, statSync } from 'node:fs';
import { dirname, relative, resolve } from 'node:path';
import ts from 'typescript';

/**
 * No file imports itself by way of others. Unlike `import-x/no-cycle` this counts imports of types too: they cost
 * nothing at run time, but of two files that need each other's types neither can be read or moved alone.
 */
export const noCycle = {
  meta: {
    type: 'problem',
    schema: [],
    messages: { cycle: 'This import comes back to this file: {{way}}.' },
  },
  create(context) {
    const file = context.physicalFilename;
    const imports = [];
    const note = source => {
      const path = source?.type === 'Literal' ? resolved(file, source.value) : null;
      if (path !== null) imports.push({ source, path });
    };
    return {
      ImportDeclaration: ({ source }) => note(source),
      ExportNamedDeclaration: ({ source }) => note(source),
      ExportAllDeclaration: ({ source }) => note(source),
      ImportExpression: ({ source }) => note(source),
      TSImportType: ({ source }) => note(source),
      'Program:exit'() {
        const paths = imports.map(({ path }) => path);
        if (wayTo(file, paths) === null) return;
        for (const { source, path } of imports) {
          const way = wayTo(file, [path])?.map(step => relative(context.cwd, step));
          if (way === undefined) continue;
          context.report({ node: source, messageId: 'cycle', data: { way: way.join(' → ') } });
        }
      },
    };
  },
};

/* The shortest way along imports from one of some files to a file; null if there is none. */
function wayTo(file, starts) {
  const cameFrom = new Map(starts.map(start => [start, null]));
  // What is added during the iteration is visited by it.
  for (const reached of cameFrom.keys()) {
    if (reached === file) return wayBack(reached, cameFrom);
    for (const next of importsOf(reached)) if (!cameFrom.has(next)) cameFrom.set(next, reached);
  }
  return null;
}

function wayBack(reached, cameFrom) {
  const way = [];
  for (let step = reached; step !== null; step = cameFrom.get(step)) way.unshift(step);
  return way;
}

const known = new Map();

/* An editor lints for hours in one process, so a file that has changed is read again. */
function importsOf(file) {
  const { mtimeMs } = statSync(file);
  const before = known.get(file);
  if (before?.mtimeMs === mtimeMs) return before.imports;
  const { importedFiles } = ts.preProcessFile(readFileSync(file, 'utf8'));
  const imports = importedFiles.flatMap(({ fileName }) => resolved(file, fileName) ?? []);
  known.set(file, { mtimeMs, imports });
  return imports;
}

/* The TypeScript file that a specifier names; null for packages and other files. */
function resolved(file, specifier) {
  if (!/^\.{1,2}\//.test(specifier)) return null;
  const path = `${resolve(dirname(file), specifier)}.ts`;
  return statSync(path, { throwIfNoEntry: false }) === undefined ? null : path;
}
