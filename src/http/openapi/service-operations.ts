import { z } from 'zod';
import { landingAnswer, livenessAnswer, readinessAnswer } from './answers';
import type { Operation } from './operation';

/** Operations about the service itself, see {@link Operation}. */
export const SERVICE_OPERATIONS = {
  getLanding: {
    method: 'GET',
    path: '/',
    tag: 'Service',
    summary: 'What runs here',
    description:
      'A page with first steps for people. Without a key, where one is needed, it tells no more than that.',
    isOpen: true,
    answers: { 200: { description: 'What may be told.', schema: landingAnswer, isPage: true } },
    errors: [],
  },
  getLivez: {
    method: 'GET',
    path: '/livez',
    tag: 'Service',
    summary: 'Whether this process runs',
    isOpen: true,
    answers: { 200: { description: 'It does.', schema: livenessAnswer } },
    errors: [],
  },
  getReadyz: {
    method: 'GET',
    path: '/readyz',
    tag: 'Service',
    summary: 'Whether a command sent through the whole path takes effect',
    isOpen: true,
    answers: {
      200: { description: 'It does.', schema: readinessAnswer },
      503: { description: 'It does not; `checks` says what fails.', schema: readinessAnswer },
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
    summary: 'This document as a page for people',
    isOpen: true,
    answers: { 200: { description: 'HTML.', schema: z.string(), mediaType: 'text/html' } },
    errors: [],
  },
  getMetrics: {
    method: 'GET',
    path: '/metrics',
    tag: 'Service',
    summary: 'Metrics for Prometheus',
    answers: { 200: { description: 'Text format 0.0.4.', schema: z.string(), mediaType: 'text/plain' } },
    errors: [],
  },
} as const satisfies Record<string, Operation>;
