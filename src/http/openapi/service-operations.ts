import { z } from 'zod';
import { landingAnswer, livenessAnswer, readinessAnswer } from './service-answers';
import type { Operation } from './operation';

/** Operations about the service itself, see {@link Operation}. */
export const SERVICE_OPERATIONS = {
  getLanding: {
    method: 'GET',
    path: '/',
    tag: 'Service',
    summary: 'Read the status of the service',
    description:
      'JSON, or an HTML page with first steps. If an API key is needed and the request has none, ' +
      'the answer has no figures.',
    isOpen: true,
    answers: { 200: { description: 'The status of the service.', schema: landingAnswer, isPage: true } },
    errors: [],
  },
  getLivez: {
    method: 'GET',
    path: '/livez',
    tag: 'Service',
    summary: 'Check whether this process runs',
    isOpen: true,
    answers: { 200: { description: 'The process runs.', schema: livenessAnswer } },
    errors: [],
  },
  getReadyz: {
    method: 'GET',
    path: '/readyz',
    tag: 'Service',
    summary: 'Check whether a command passes through Redis and the queue and takes effect',
    isOpen: true,
    answers: {
      200: { description: 'The process is ready.', schema: readinessAnswer },
      503: { description: 'The process is not ready. `checks` shows what fails.', schema: readinessAnswer },
    },
    errors: [],
  },
  getOpenApi: {
    method: 'GET',
    path: '/openapi.json',
    tag: 'Service',
    summary: 'This document',
    isOpen: true,
    answers: { 200: { description: 'OpenAPI 3.1.', schema: z.looseObject({ openapi: z.string() }) } },
    errors: [],
  },
  getDocs: {
    method: 'GET',
    path: '/docs',
    tag: 'Service',
    summary: 'This document as an HTML page',
    isOpen: true,
    answers: { 200: { description: 'HTML.', schema: z.string(), mediaType: 'text/html' } },
    errors: [],
  },
  getMetrics: {
    method: 'GET',
    path: '/metrics',
    scope: 'admin',
    tag: 'Service',
    summary: 'Metrics for Prometheus',
    answers: { 200: { description: 'Text format 0.0.4.', schema: z.string(), mediaType: 'text/plain' } },
    errors: [],
  },
} as const satisfies Record<string, Operation>;
