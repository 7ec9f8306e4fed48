import { z } from 'zod';
import type { Operation } from './operation';

/** Operations about files that jobs have made, see {@link Operation}. */
export const FILE_OPERATIONS = {
  getFile: {
    method: 'GET',
    path: '/v1/files/{id}',
    tag: 'Jobs',
    summary: 'A document that a job has made',
    description:
      'Kept for an hour. Its `url` in the result of the job is complete; without the token an API key does.',
    isOpen: true,
    parameters: [
      { in: 'query', name: 'token', schema: z.string().optional(), description: 'Part of the link.' },
    ],
    answers: { 200: { description: 'The document.', schema: z.string(), mediaType: '*/*' } },
    errors: ['unauthorized', 'file_not_found', 'redis_unavailable'],
  },
} as const satisfies Record<string, Operation>;
