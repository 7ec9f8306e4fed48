/*
 * Builds the libraries that others import, the client and the producer. As CommonJS they are part of the service's own build
 * in dist/src, which gets declarations here; as ES modules they stand in dist/esm, in folders of the same names. tsc
 * alone cannot do it: Node's ES modules want file extensions in imports, our sources have none.
 */
import { chmodSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const ENTRIES = ['src/client/holdfast.ts', 'src/producer/producer.ts'].map(file => join(root, file));

/** Packages that a caller may have or not. Where one is missing its types are `any`, without an error about it. */
const OPTIONAL = /^import type .* from ['"](?:puppeteer|playwright)-core['"];$/gm;

const { config } = ts.readConfigFile(join(root, 'tsconfig.json'), ts.sys.readFile);
const { options: common } = ts.convertCompilerOptionsFromJson(config.compilerOptions, root);
const shared = { ...common, types: ['node'], noEmit: false, declaration: true, rootDir: join(root, 'src') };

const modules = join(root, 'dist', 'esm');
// Beside the old ones, which are there until the new ones are whole.
const made = mkdtempSync(`${modules}-`);
chmodSync(made, 0o755);
buildModules(made);
rmSync(modules, { recursive: true, force: true });
renameSync(made, modules);
declare(join(root, 'dist', 'src'));

function buildModules(outDir) {
  const form = { module: ts.ModuleKind.ESNext, moduleResolution: ts.ModuleResolutionKind.Bundler };
  const program = ts.createProgram(ENTRIES, { ...shared, ...form, outDir });
  const specifiers = context => rewriting(context, withExtension);
  const { diagnostics } = program.emit(undefined, write, undefined, false, {
    after: [specifiers],
    afterDeclarations: [specifiers],
  });
  // Types are the same in both forms: one check is enough.
  report([...ts.getPreEmitDiagnostics(program), ...diagnostics]);
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const manifest = { type: 'module', version, sideEffects: false };
  writeFileSync(join(outDir, 'package.json'), `${JSON.stringify(manifest)}\n`);
}

function declare(outDir) {
  const program = ts.createProgram(ENTRIES, { ...shared, emitDeclarationOnly: true, outDir });
  report(program.emit(undefined, write).diagnostics);
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

function write(file, text) {
  const isDeclaration = file.endsWith('.d.ts');
  const written = isDeclaration
    ? text.replace(OPTIONAL, '// @ts-ignore: optional\n$&')
    : withoutComments(text);
  ts.sys.writeFile(file, written);
}

/** Programs do not read them; people do in the declarations, which keep theirs. */
function withoutComments(text) {
  const compilerOptions = {
    target: ts.ScriptTarget.ES2022,
    module: ts.ModuleKind.ESNext,
    removeComments: true,
  };
  return ts.transpileModule(text, { compilerOptions }).outputText;
}

/** './x' → './x.js'. */
function withExtension(specifier) {
  return specifier.startsWith('.') ? `${specifier}.js` : specifier;
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
