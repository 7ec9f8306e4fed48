/*
 * Builds the libraries that other programs import: the client and the producer. As CommonJS they are part of the
 * service's build in dist/src, to which this adds declarations. As ES modules they are in dist/esm, in folders of the
 * same names. tsc alone cannot do it: ES modules in Node need file extensions in imports, and the sources have none.
 *
 *   node scripts/build-client.mjs [--noCheck]
 */
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const ENTRIES = ['src/client/holdfast.ts', 'src/producer/producer.ts'].map(file => join(root, file));

/** Packages that a caller need not have. Where one is missing, its types are `any`, without a compile error. */
const OPTIONAL = /^import type .* from ['"](?:puppeteer|playwright)-core['"];$/gm;

const { config } = ts.readConfigFile(join(root, 'tsconfig.json'), ts.sys.readFile);
const { options: common } = ts.convertCompilerOptionsFromJson(config.compilerOptions, root);
const noCheck = process.argv.includes('--noCheck');
const shared = { ...common, types: ['node'], noEmit: false, noCheck, rootDir: join(root, 'src') };
const FOLDERS = { commonJs: join(root, 'dist', 'src'), modules: join(root, 'dist', 'esm') };

// Built beside the old modules, which stay usable until the new ones are complete.
mkdirSync(dirname(FOLDERS.modules), { recursive: true });
const made = mkdtempSync(`${FOLDERS.modules}-`);
chmodSync(made, 0o755);
process.once('exit', () => rmSync(made, { recursive: true, force: true }));
buildModules(made);
declare([FOLDERS.commonJs, made]);
rmSync(FOLDERS.modules, { recursive: true, force: true });
renameSync(made, FOLDERS.modules);

/** Without comments: they are in the declarations. */
function buildModules(outDir) {
  const form = { module: ts.ModuleKind.ESNext, moduleResolution: ts.ModuleResolutionKind.Bundler };
  const program = ts.createProgram(ENTRIES, { ...shared, ...form, removeComments: true, outDir });
  const transformers = { after: [context => rewriting(context, withExtension)] };
  const { diagnostics } = program.emit(undefined, ts.sys.writeFile, undefined, false, transformers);
  report([...ts.getPreEmitDiagnostics(program), ...diagnostics]);
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const manifest = { type: 'module', version, sideEffects: false };
  writeFileSync(join(outDir, 'package.json'), `${JSON.stringify(manifest)}\n`);
}

/** The declarations are the same for both forms: CommonJS resolves names with an extension, too. */
function declare(folders) {
  const [outDir] = folders;
  const only = { declaration: true, emitDeclarationOnly: true, outDir };
  const program = ts.createProgram(ENTRIES, { ...shared, ...only });
  const write = (file, text) => {
    const whole = text.replace(OPTIONAL, '// @ts-ignore: optional\n$&');
    for (const folder of folders) ts.sys.writeFile(join(folder, relative(outDir, file)), whole);
  };
  const transformers = { afterDeclarations: [context => rewriting(context, withExtension)] };
  report(program.emit(undefined, write, undefined, true, transformers).diagnostics);
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
