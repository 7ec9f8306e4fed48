import { z } from 'zod';
import {
  answerIn,
  type DocumentedAnswer,
  type DocumentedOperation,
  type JsonSchema,
  type OpenApiDocument,
} from '../../src/http/openapi/open-api';

/** One operation of a document, with its path and method. */
export interface PlacedOperation {
  readonly method: string;
  readonly path: string;
  readonly operation: DocumentedOperation;
}

/** An answer to compare with the document. */
export interface GivenAnswer {
  readonly status: number;
  readonly contentType: string | undefined;
  readonly text: string;
}

/** Compares answers of the service with an OpenAPI document, and records which documented answers it has seen. */
export class Contract {
  readonly operations: readonly PlacedOperation[];
  readonly #seen = new Set<string>();
  readonly #checks = new Map<JsonSchema, z.ZodType>();

  constructor(private readonly document: OpenApiDocument) {
    this.operations = Object.entries(document.paths).flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, operation]) => ({
        method: method.toUpperCase(),
        path,
        operation,
      })),
    );
  }

  /** Every documented answer: `<operationId> <status>`, and for errors also the code. */
  get promised(): string[] {
    return this.operations.flatMap(({ operation }) =>
      Object.entries(operation.responses).flatMap(([status, answer]) => {
        const { content = {} } = answerIn(this.document, answer);
        const others = Object.keys(content).filter(type => !isProblem(type));
        const codes = Object.entries(content)
          .filter(([type]) => isProblem(type))
          .flatMap(([, { schema }]) => codesIn(schema));
        const plain = others.length > 0 || codes.length === 0 ? [''] : [];
        return [...plain, ...codes].map(code => `${operation.operationId} ${status} ${code}`.trim());
      }),
    );
  }

  /** The part of {@link promised} that has been seen. */
  get seen(): string[] {
    return [...this.#seen].sort();
  }

  /** The operation that a request names; undefined if the document has none. A path without parameters wins. */
  find(method: string, path: string): PlacedOperation | undefined {
    return this.operations
      .filter(placed => placed.method === method && patternOf(placed.path).test(path))
      .sort((a, b) => Number(a.path.includes('{')) - Number(b.path.includes('{')))[0];
  }

  /** The differences of an answer from the document; empty if it is as documented. */
  breaches({ operation }: PlacedOperation, given: GivenAnswer): string[] {
    const documented = operation.responses[String(given.status)];
    if (documented === undefined)
      return [`${operation.operationId}: status ${given.status} is not documented`];
    const type = given.contentType?.split(';')[0] ?? '';
    const { content } = answerIn(this.document, documented);
    const wrong = content === undefined ? bodyless(given) : this.#wrongIn(content, type, given.text);
    if (wrong.length === 0) this.#remember(operation.operationId, given, type);
    return wrong.map(what => `${operation.operationId} ${given.status}: ${what}`);
  }

  /**
   * The errors of a value by a schema of the document; empty if there are none. Members without a schema are errors.
   */
  wrongBySchema(schema: JsonSchema, value: unknown): string[] {
    const check = this.#checks.get(schema) ?? this.#compile(schema);
    this.#checks.set(schema, check);
    const { error } = check.safeParse(value);
    return (error?.issues ?? []).map(({ path, message }) => `/${path.join('/')}: ${message}`);
  }

  #wrongIn(content: NonNullable<DocumentedAnswer['content']>, type: string, text: string): string[] {
    const documented = content[type] ?? content['*/*'];
    if (documented === undefined) return [`media type ${type} is not documented`];
    return type.endsWith('json') ? this.wrongBySchema(documented.schema, JSON.parse(text)) : [];
  }

  #remember(operationId: string, { status, text }: GivenAnswer, type: string): void {
    // SAFETY: a problem has passed its schema.
    const code = isProblem(type) ? (JSON.parse(text) as { code: string }).code : '';
    this.#seen.add(`${operationId} ${status} ${code}`.trim());
  }

  #compile(schema: JsonSchema): z.ZodType {
    const $defs = Object.fromEntries(
      Object.entries(this.document.components.schemas).map(([name, named]) => [
        name,
        name === 'Problem' ? named : closed(named),
      ]),
    );
    const text = JSON.stringify({ ...closed(schema), $defs }).replaceAll('#/components/schemas/', '#/$defs/');
    // SAFETY: the document's schemas are JSON Schemas.
    return z.fromJSONSchema(JSON.parse(text) as Parameters<typeof z.fromJSONSchema>[0]);
  }
}

const isProblem = (type: string): boolean => type === 'application/problem+json';

const bodyless = ({ text }: GivenAnswer): string[] => (text === '' ? [] : ['a body is not documented']);

const patternOf = (path: string): RegExp => new RegExp(`^${path.replaceAll(/\{\w+\}/g, '[^/]+')}$`);

function codesIn(schema: JsonSchema): readonly string[] {
  // SAFETY: this is how the document writes a problem.
  return (schema as { properties: { code: { enum: readonly string[] } } }).properties.code.enum;
}

/* The same schema, but an object may have only the members that it names: every member of an answer is documented. */
function closed(schema: JsonSchema): JsonSchema {
  const inner = Object.fromEntries(Object.entries(schema).map(([name, value]) => [name, closedIn(value)]));
  const isOpen =
    !('properties' in schema) ||
    'additionalProperties' in schema ||
    'allOf' in schema ||
    'openapi' in Object(schema['properties']);
  return isOpen ? inner : { ...inner, additionalProperties: false };
}

function closedIn(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(closedIn);
  // SAFETY: an object.
  return typeof value === 'object' && value !== null ? closed(value as JsonSchema) : value;
}
