/*
 * The package `holdfast`: everything its users may import. Nothing else of src is part of it, and it depends on nothing:
 * fetch, AbortSignal and crypto.randomUUID() are enough, Puppeteer and Playwright are loaded only when asked for.
 */
export { Browser, type BrowserOptions } from './browser';
export type { CreateRequest } from './creation';
export {
  HoldfastError,
  isHoldfastError,
  SessionEndedError,
  type ClientErrorCode,
  type ErrorCode,
  type FieldError,
} from './errors';
export type { EventsOptions, ServiceEvent } from './event-stream';
export type { Jobs, ListJobsOptions, QuarantinedJob, QuarantinedJobWithData } from './jobs';
export type { Capacity, Usage, UsageFigures, UsageOptions, Worker, Workers } from './fleet';
export type {
  PlaywrightConnectOptions,
  PlaywrightConnector,
  PlaywrightLibrary,
} from './playwright-connector';
export type { PuppeteerConnectOptions, PuppeteerConnector, PuppeteerLibrary } from './puppeteer-connector';
export type {
  CreateOptions,
  LiveDetails,
  NewCookie,
  OpenPage,
  ProxyOptions,
  ReleaseAllResult,
  Session,
  SessionData,
  SessionDownload,
  SessionEvent,
  SessionOrId,
  SessionStatus,
  UpdateOptions,
} from './session';
export type { ListOptions, SessionList, SessionPage } from './session-list';
export type { ReleaseAllOptions, ReleaseRequest, Sessions, UpdateRequest, WatchOptions } from './sessions';
export type { RequestOptions } from './transport';
export type { WaitOptions, WaitTarget } from './waiting';
