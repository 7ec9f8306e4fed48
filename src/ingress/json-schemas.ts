import { z } from 'zod';
import { createJob, extendJob, releaseJob, runJob } from './contract';
import type { IngressJobName } from '../../machines/session/session.words';

type JsonSchema = z.core.JSONSchema.JSONSchema;

/** The schemas that jobs and requests have in common. */
export interface SharedSchemas {
  /** The body of `POST /v1/sessions`. */
  readonly session: z.ZodType;
  /** The body of `PATCH /v1/sessions/{id}`. */
  readonly change: z.ZodType;
}

/**
 * The data of every job as JSON Schema 2020-12, made from the schemas that validate it. Relations between fields are
 * only described in words: a job that is valid by these schemas may still be refused.
 */
export function jobSchemas({ session, change }: SharedSchemas): Readonly<Record<IngressJobName, JsonSchema>> {
  const newSession = schemaOf(session);
  const run = schemaOf(runJob);
  return {
    'session.create': titled('session.create', merged(schemaOf(createJob), newSession)),
    'session.extend': titled('session.extend', merged(schemaOf(extendJob), schemaOf(change))),
    'session.release': titled('session.release', schemaOf(releaseJob)),
    'session.run': titled('session.run', {
      ...run,
      properties: {
        ...run.properties,
        session: { ...described(run.properties?.['session']), ...newSession },
      },
    }),
  };
}

const DIALECT = 'https://json-schema.org/draft/2020-12/schema';

function schemaOf(schema: z.ZodType): JsonSchema {
  const made = z.toJSONSchema(schema, { io: 'input', override: portable });
  delete made.$schema;
  return made;
}

/*
 * Not every language's regular expressions support Unicode properties: such patterns are removed, and checked by the
 * service only.
 */
function portable({ jsonSchema }: { readonly jsonSchema: { pattern?: string } }): void {
  if (jsonSchema.pattern?.includes('\\p{') === true) delete jsonSchema.pattern;
}

function merged(one: JsonSchema, other: JsonSchema): JsonSchema {
  const required = [...(one.required ?? []), ...(other.required ?? [])];
  return {
    type: 'object',
    properties: { ...one.properties, ...other.properties },
    ...(required.length === 0 ? {} : { required }),
    additionalProperties: false,
  };
}

const titled = (name: IngressJobName, schema: JsonSchema): JsonSchema => ({
  $schema: DIALECT,
  title: `Data of the job ${name}, version 1`,
  ...schema,
});

function described(schema: z.core.JSONSchema._JSONSchema | undefined): JsonSchema {
  const description = typeof schema === 'object' ? schema.description : undefined;
  return description === undefined ? {} : { description };
}
