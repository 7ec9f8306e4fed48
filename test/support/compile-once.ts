import vm, { type CompileFunctionOptions } from 'node:vm';

/**
 * Lets this process compile each module once, however many test files load it. Jest gives every test file a context of
 * its own, and compiles every module for it again: the service and its packages, some 900 modules, took 40 % of the
 * time in which a file was loaded. A script can be run in any number of contexts instead; the modules are still made
 * anew for each of them, so test files share nothing.
 */
export function compileOnce(): void {
  const { compileFunction } = vm;
  const scripts = new Map<string, { readonly text: string; readonly script: vm.Script }>();
  vm.compileFunction = (code, params = [], options: CompileFunctionOptions = {}) => {
    const { filename, parsingContext } = options;
    if (filename === undefined || parsingContext === undefined) return compileFunction(code, params, options);
    const head = `(function (${params.join()}) {`;
    const text = `${head}${code}\n})`;
    let known = scripts.get(filename);
    if (known?.text !== text) {
      // The head is no part of the file: columns of its first line would be wrong in stacks.
      known = { text, script: new vm.Script(text, { filename, columnOffset: -head.length }) };
      scripts.set(filename, known);
    }
    // SAFETY: the text is the expression of a function with these parameters.
    return known.script.runInContext(parsingContext) as ReturnType<typeof compileFunction>;
  };
}
