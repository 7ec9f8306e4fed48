import fc, { type Arbitrary } from 'fast-check';
import type { JsonSchema } from '../../src/http/openapi/open-api';
import { anyCharacter } from './text-values';

/** Any text: all code units, lone surrogates included, and sometimes very long. */
export const anyText: Arbitrary<string> = fc.oneof(
  { weight: 6, arbitrary: fc.string({ unit: anyCharacter, maxLength: 40 }) },
  { weight: 3, arbitrary: fc.string({ unit: 'grapheme', maxLength: 40 }) },
  {
    weight: 3,
    arbitrary: fc.constantFrom(
      '',
      ' ',
      '\0',
      '\uD800',
      '\u202E',
      'null',
      '[object Object]',
      '__proto__',
      '-0',
      '1e999',
      '%00',
    ),
  },
  { weight: 1, arbitrary: fc.integer({ min: 100, max: 100_000 }).map(length => 'x'.repeat(length)) },
);

const deep = fc.integer({ min: 1, max: 200 }).map(levels => {
  let value: unknown = 0;
  for (let level = 0; level < levels; level += 1) value = level % 2 === 0 ? [value] : { a: value };
  return value;
});

/** Any JSON value: of any type, huge, deep, with names that have a meaning in JavaScript. */
export const anyJson: Arbitrary<unknown> = fc.oneof(
  fc.constantFrom<unknown>(null, true, false, 0, -1, 1e308, 5e-324, 2 ** 53, [], {}),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.maxSafeInteger(),
  anyText,
  fc.array(fc.oneof(anyText, fc.integer()), { maxLength: 20 }),
  fc.dictionary(fc.oneof(anyText, fc.constantFrom('__proto__', 'constructor', 'toString')), fc.integer(), {
    maxKeys: 12,
    noNullPrototype: true,
  }),
  deep,
);

/**
 * Values for a JSON Schema: most of them fit, some almost fit, some are of another type. Knows the keywords that the
 * OpenAPI document uses.
 */
export function valuesFor(schema: JsonSchema): Arbitrary<unknown> {
  return fc.oneof({ weight: 4, arbitrary: fitting(schema) }, { weight: 1, arbitrary: anyJson });
}

function fitting(schema: JsonSchema): Arbitrary<unknown> {
  // SAFETY: `enum` is a list of values.
  const words = schema['enum'] as readonly unknown[] | undefined;
  if (words !== undefined) return fc.constantFrom(...words);
  // SAFETY: these keywords hold schemas, wherever they stand.
  const choices = schema['anyOf'] as readonly JsonSchema[] | undefined;
  if (choices !== undefined) return fc.oneof(...choices.map(fitting));
  const { type } = schema;
  if (Array.isArray(type)) return fc.oneof(...type.map(one => fitting({ ...schema, type: String(one) })));
  switch (type) {
    case 'object':
      return objects(schema);
    case 'array':
      // SAFETY: as above.
      return fc.array(valuesFor((schema['items'] ?? {}) as JsonSchema), { maxLength: 5 });
    case 'integer':
    case 'number':
      return numbers(schema);
    case 'boolean':
      return fc.boolean();
    case 'null':
      return fc.constant(null);
    case 'string':
      return texts(schema);
    default:
      return anyJson;
  }
}

function objects(schema: JsonSchema): Arbitrary<unknown> {
  // SAFETY: the values of these keywords are schemas.
  const properties = (schema['properties'] ?? {}) as Record<string, JsonSchema>;
  // SAFETY: a schema, or whether there may be others.
  const others = schema['additionalProperties'] as JsonSchema | boolean | undefined;
  const known = fc.record(
    Object.fromEntries(Object.entries(properties).map(([name, inner]) => [name, valuesFor(inner)])),
    { requiredKeys: [] },
  );
  // SAFETY: a schema of names, if it is there.
  const nameSchema = schema['propertyNames'] as JsonSchema | undefined;
  const names = nameSchema === undefined ? anyText : fitting(nameSchema).map(String);
  const values = typeof others === 'object' ? valuesFor(others) : anyJson;
  const more = fc.dictionary(names, values, { maxKeys: others === false ? 1 : 10, noNullPrototype: true });
  return fc
    .tuple(known, fc.oneof({ weight: 3, arbitrary: fc.constant({}) }, more))
    .map(([a, b]) => ({ ...b, ...a }));
}

function numbers({ type, minimum, maximum }: JsonSchema): Arbitrary<unknown> {
  const min = typeof minimum === 'number' ? minimum : -1_000;
  const max = typeof maximum === 'number' ? maximum : 1_000_000;
  const within = type === 'number' ? fc.double({ min, max, noNaN: true }) : fc.integer({ min, max });
  return fc.oneof(within, fc.constantFrom(min, max, min - 1, max + 1, min + 0.5));
}

function texts({ pattern }: JsonSchema): Arbitrary<unknown> {
  if (typeof pattern !== 'string') return anyText;
  // fast-check cannot make values from a pattern with Unicode classes, so it gets words.
  const matching = pattern.includes('\\p{')
    ? fc.string({ maxLength: 20 })
    : fc.stringMatching(new RegExp(pattern));
  return fc.oneof({ weight: 3, arbitrary: matching }, { weight: 1, arbitrary: anyText });
}
