import fc, { type Arbitrary } from 'fast-check';
import type { DialectCall } from '../../src/http/dialects/dialect';
import type { RawRequest } from './raw-http';
import { anyJson, anyText } from './schema-values';

/** The number of requests; `npm run test:fuzz` sends more, and different ones each time. */
export const FUZZ_RUNS = Number(process.env['HF_FUZZ_RUNS'] ?? 300);

/** The parameters of one run of fast-check. */
export const fuzzParameters = <T = RawRequest>(seed: number, numRuns = FUZZ_RUNS): fc.Parameters<[T]> => ({
  ...(process.env['HF_FUZZ_RUNS'] === undefined ? { seed } : {}),
  numRuns,
});

/** What requests to a dialect are made of. */
export interface DialectVocabulary {
  readonly mount: string;
  readonly calls: readonly DialectCall[];
  /** Names of members and of query parameters. */
  readonly names: readonly string[];
  readonly queryNames: readonly string[];
  /** Values that members usually have, and their neighbours. */
  readonly values: readonly unknown[];
  readonly queryValues: readonly string[];
  /** The ids that a call is made with. */
  readonly idsFor: (call: DialectCall) => readonly string[];
  /** The headers of every request, such as the key. */
  readonly headers: readonly (readonly [string, string])[];
  /** Other sets of headers that a request with a body may have. */
  readonly bodyHeaders: readonly (readonly (readonly [string, string])[])[];
}

/* Values that a URL can carry: no lone surrogate, and not too long. */
const wellFormed = (text: string): string => Buffer.from(text.slice(0, 1_000)).toString();

/** Any request to a dialect: mostly nearly right, sometimes nonsense. */
export function requestsTo(vocabulary: DialectVocabulary): Arbitrary<RawRequest> {
  const { mount, calls, idsFor, headers, bodyHeaders } = vocabulary;
  const bodies = bodiesOf(vocabulary);
  const queries = queriesOf(vocabulary);
  const requestTo = (call: DialectCall): Arbitrary<RawRequest> =>
    fc
      .tuple(fc.constantFrom(...idsFor(call)), queries, fc.constantFrom(...bodyHeaders), bodies, fc.boolean())
      .map(([id, query, given, body, hasSlash]) => ({
        method: call.method,
        path: `${mount}${call.path.replaceAll(/\{[+\w]+\}/g, id)}${hasSlash ? '/' : ''}${query}`,
        headers: [...headers, ...(call.method === 'GET' ? [] : given)],
        ...(call.method === 'GET' ? {} : { body }),
      }));
  return fc.constantFrom(...calls).chain(requestTo);
}

function bodiesOf({ names, values }: DialectVocabulary): Arbitrary<string> {
  const member = fc.oneof(fc.constantFrom(...values), anyJson);
  const json = fc.oneof(
    { weight: 6, arbitrary: fc.dictionary(fc.constantFrom(...names), member, { maxKeys: 6 }) },
    { weight: 1, arbitrary: anyJson },
  );
  return fc.oneof(
    { weight: 6, arbitrary: json.map(value => JSON.stringify(value)) },
    anyText,
    fc.constantFrom('{', '[['.repeat(5_000), '{}', ' '),
  );
}

function queriesOf({ queryNames, queryValues }: DialectVocabulary): Arbitrary<string> {
  const name = fc.constantFrom(...queryNames, 'x', 'page[]', '__proto__');
  const pair = fc.tuple(name, fc.oneof(fc.constantFrom(...queryValues), anyText));
  return fc
    .array(pair, { maxLength: 3 })
    .map(
      pairs => `?${pairs.map(([key, value]) => `${key}=${encodeURIComponent(wellFormed(value))}`).join('&')}`,
    );
}
