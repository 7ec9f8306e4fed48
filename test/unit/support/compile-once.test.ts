import vm, { createContext, runInContext, type Context } from 'node:vm';

/* Jest's workers have called compileOnce() before this file was loaded. */

const FILE = '/compile-once/module.js';

/** The exports of a module in a context; without one it is compiled by Node alone. */
function load(code: string, parsingContext?: Context): Record<string, unknown> {
  const made: Record<string, unknown> = {};
  const options = { filename: FILE, ...(parsingContext === undefined ? {} : { parsingContext }) };
  // SAFETY: it returns a function with these parameters.
  const run = vm.compileFunction(code, ['exports', 'module'], options) as (
    ...args: readonly unknown[]
  ) => void;
  run(made, { exports: made });
  return made;
}

describe('a module', () => {
  it('is compiled once, however many contexts run it', () => {
    const { Script } = vm;
    let compiled = 0;
    vm.Script = class extends Script {
      constructor(...args: ConstructorParameters<typeof Script>) {
        super(...args);
        compiled += 1;
      }
    };
    try {
      for (let contexts = 0; contexts < 3; contexts += 1) {
        expect(load('exports.once = true;', createContext())).toEqual({ once: true });
      }
    } finally {
      vm.Script = Script;
    }
    expect(compiled).toBe(1);
  });

  it('is made anew in each context, of that context', () => {
    const contexts = [createContext(), createContext()];
    const lists = contexts.map(context => load('exports.list = [];', context)['list']);
    expect(lists[0]).not.toBe(lists[1]);
    for (const [at, context] of contexts.entries()) {
      // SAFETY: a context has an Array of its own.
      const OfContext = runInContext('Array', context) as ArrayConstructor;
      expect(lists[at]).toBeInstanceOf(OfContext);
    }
  });

  it('is compiled again when its file has changed', () => {
    const context = createContext();
    expect(load('exports.version = 1;', context)).toEqual({ version: 1 });
    expect(load('exports.version = 2;', context)).toEqual({ version: 2 });
  });

  it.each(['exports.stack = new Error().stack;', '\n  exports.stack = new Error().stack; // the end'])(
    'names the same places in stacks as one that Node compiles: %j',
    code => {
      const placeOf = ({ stack }: Record<string, unknown>): string =>
        /module\.js:\d+:\d+/.exec(String(stack))?.[0] ?? 'none';
      expect(placeOf(load(code))).toMatch(/^module/);
      expect(placeOf(load(code, createContext()))).toBe(placeOf(load(code)));
    },
  );

  it('reports a syntax error with its place', () => {
    let caught: unknown;
    try {
      load('exports.a = 1;\nexports.b = = 2;', createContext());
    } catch (error) {
      caught = error;
    }
    expect(caught).toMatchObject({ name: 'SyntaxError', stack: expect.stringContaining(`${FILE}:2`) });
  });
});
