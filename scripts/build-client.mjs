/*
 * Builds the client library: dist/client/esm and dist/client/cjs, each with its declarations. tsc alone cannot do it: Node's
 * ES modules want file extensions in imports, our sources have none.
 */
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const entry = join(root, 'src/client/holdfast.ts');
const dist = join(root, 'dist/client');

const { config } = ts.readConfigFile(join(root, 'tsconfig.json'), ts.sys.readFile);
const { options: common } = ts.convertCompilerOptionsFromJson(config.compilerOptions, root);

const FORMS = {
  esm: { module: ts.ModuleKind.ESNext, moduleResolution: ts.ModuleResolutionKind.Bundler },
  cjs: { module: ts.ModuleKind.Node16, moduleResolution: ts.ModuleResolutionKind.Node16 },
};

const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
rmSync(dist, { recursive: true, force: true });
for (const [name, form] of Object.entries(FORMS)) {
  const outDir = join(dist, name);
  const settings = { declaration: true, noEmit: false, rootDir: dirname(entry), outDir };
  const program = ts.createProgram([entry], { ...common, ...form, ...settings, types: ['node'] });
  const extensions = name === 'esm' ? [withExtensions] : [];
  const { diagnostics } = program.emit(undefined, undefined, undefined, false, {
    after: extensions,
    afterDeclarations: extensions,
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

/** './x' → './x.js' in imports and exports. */
function withExtensions(context) {
  const { factory } = context;
  const extended = specifier =>
    specifier !== undefined && ts.isStringLiteral(specifier) && specifier.text.startsWith('.')
      ? factory.createStringLiteral(`${specifier.text}.js`)
      : specifier;
  const visit = node => {
    if (ts.isImportDeclaration(node)) {
      const { modifiers, importClause, moduleSpecifier, attributes } = node;
      return factory.updateImportDeclaration(
        node,
        modifiers,
        importClause,
        extended(moduleSpecifier),
        attributes,
      );
    }
    if (ts.isExportDeclaration(node)) {
      const { modifiers, isTypeOnly, exportClause, moduleSpecifier, attributes } = node;
      return factory.updateExportDeclaration(
        node,
        modifiers,
        isTypeOnly,
        exportClause,
        extended(moduleSpecifier),
        attributes,
      );
    }
    return node;
  };
  return file => ts.visitEachChild(file, visit, context);
}
