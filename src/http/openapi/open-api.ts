/* The part of OpenAPI 3.1 that is used here. */

/** A JSON Schema (2020-12, what OpenAPI 3.1 uses). */
export type JsonSchema = Readonly<Record<string, unknown>>;

/** An answer in the document. */
export interface DocumentedAnswer {
  readonly description: string;
  readonly headers?: Readonly<Record<string, { readonly description: string; readonly schema: JsonSchema }>>;
  readonly content?: Readonly<Record<string, { readonly schema: JsonSchema }>>;
}

/** A reference to an answer that many operations share. */
export interface AnswerReference {
  readonly $ref: string;
}

/** A parameter in the document. */
export interface DocumentedParameter {
  readonly in: 'path' | 'query' | 'header';
  readonly name: string;
  readonly required?: boolean;
  readonly description?: string;
  readonly schema: JsonSchema;
}

/** An operation in the document. */
export interface DocumentedOperation {
  readonly operationId: string;
  readonly tags: readonly string[];
  readonly summary: string;
  readonly description?: string;
  readonly security?: readonly [];
  readonly parameters: readonly DocumentedParameter[];
  readonly requestBody?: {
    readonly required: boolean;
    readonly content: Readonly<Record<string, { readonly schema: JsonSchema; readonly example?: unknown }>>;
  };
  readonly responses: Readonly<Record<string, DocumentedAnswer | AnswerReference>>;
}

/** The whole document. */
export interface OpenApiDocument {
  readonly openapi: string;
  readonly info: Readonly<Record<string, string>>;
  readonly servers: readonly { readonly url: string }[];
  readonly security: readonly Readonly<Record<string, readonly string[]>>[];
  readonly tags: readonly { readonly name: string; readonly description: string }[];
  readonly paths: Readonly<Record<string, Readonly<Record<string, DocumentedOperation>>>>;
  readonly components: {
    readonly schemas: Readonly<Record<string, JsonSchema>>;
    /** The problems that are the only one of their status, by code. */
    readonly responses: Readonly<Record<string, DocumentedAnswer>>;
    readonly securitySchemes: Readonly<Record<string, JsonSchema>>;
  };
}

/** An answer of an operation, with its reference resolved. */
export function answerIn(
  document: OpenApiDocument,
  answer: DocumentedAnswer | AnswerReference,
): DocumentedAnswer {
  if (!('$ref' in answer)) return answer;
  const found = document.components.responses[answer.$ref.split('/').at(-1) ?? ''];
  if (found === undefined) throw new Error(`the document has no ${answer.$ref}`);
  return found;
}
