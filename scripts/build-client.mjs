/*
 * Builds the libraries that others import: the client and the producer, each as dist/<name>/esm and dist/<name>/cjs with its
 * declarations. tsc alone cannot do it: Node's ES modules want file extensions in imports, our sources have none.
 */
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const LIBRARIES = { client: 'src/client/holdfast.ts', producer: 'src/producer/producer.ts' };

const { config } = ts.readConfigFile(join(root, 'tsconfig.json'), ts.sys.readFile);
const { options: common } = ts.convertCompilerOptionsFromJson(config.compilerOptions, root);

const FORMS = {
  esm: { module: ts.ModuleKind.ESNext, moduleResolution: ts.ModuleResolutionKind.Bundler },
  cjs: { module: ts.ModuleKind.Node16, moduleResolution: ts.ModuleResolutionKind.Node16 },
};

const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
for (const [library, file] of Object.entries(LIBRARIES)) {
  rmSync(join(root, 'dist', library), { recursive: true, force: true });
  for (const form of Object.keys(FORMS)) build(library, join(root, file), form);
}

function build(library, entry, name) {
  const form = FORMS[name];
  const outDir = join(root, 'dist', library, name);
  const settings = { declaration: true, noEmit: false, rootDir: join(root, 'src'), outDir };
  const program = ts.createProgram([entry], { ...common, ...form, ...settings, types: ['node'] });
  const specifiers = context => rewriting(context, specifier => relocated(specifier, name));
  const { diagnostics } = program.emit(undefined, writeOwn(join(outDir, library), outDir), undefined, false, {
    after: [specifiers],
    afterDeclarations: [specifiers],
  });
  // Types are the same in both forms: one check is enough.
  report(name === 'esm' ? [...ts.getPreEmitDiagnostics(program), ...diagnostics] : diagnostics);
  const manifest = { type: name === 'esm' ? 'module' : 'commonjs', version, sideEffects: false };
  writeFileSync(join(outDir, 'package.json'), `${JSON.stringify(manifest)}\n`);
}

function report(diagnostics) {
  if (diagnostics.length === 0) return;
  const host = {
    getCanonicalFileName: file => file,
    getCurrentDirectory: () => root,
    getNewLine: () => '\n',
  };
  console.error(ts.formatDiagnostics(diagnostics, host));
  process.exit(1);
}

/** Writes what belongs to the library itself; what it knows the types of is a library of its own. */
function writeOwn(from, to) {
  return (file, text) => {
    if (file.startsWith(`${from}/`)) ts.sys.writeFile(join(to, relative(from, file)), text);
  };
}

/** './x' → './x.js' in ES modules; '../client/x' → where that library is from here. */
function relocated(specifier, form) {
  if (!specifier.startsWith('.')) return specifier;
  const [, library, file] = /^\.\.\/(\w+)\/(.+)$/.exec(specifier) ?? [];
  const path = library === undefined ? specifier : `../../${library}/${form}/${file}`;
  return form === 'esm' ? `${path}.js` : path;
}

/** Rewrites what imports and exports name. */
function rewriting(context, rewrite) {
  const { factory } = context;
  const rewritten = specifier =>
    specifier !== undefined && ts.isStringLiteral(specifier)
      ? factory.createStringLiteral(rewrite(specifier.text))
      : specifier;
  const visit = node => {
    if (ts.isImportDeclaration(node)) {
      const { modifiers, importClause, moduleSpecifier, attributes } = node;
      const named = rewritten(moduleSpecifier);
      return factory.updateImportDeclaration(node, modifiers, importClause, named, attributes);
    }
    if (ts.isExportDeclaration(node)) {
      const { modifiers, isTypeOnly, exportClause, moduleSpecifier, attributes } = node;
      const named = rewritten(moduleSpecifier);
      return factory.updateExportDeclaration(node, modifiers, isTypeOnly, exportClause, named, attributes);
    }
    return node;
  };
  return file => ts.visitEachChild(file, visit, context);
}
