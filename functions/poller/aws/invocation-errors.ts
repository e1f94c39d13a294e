/**
 * What a failed invocation says about the function.
 *
 * - `transient`: it has not run; the same request can be sent again.
 * - `configuration`: it has not run, and cannot run until an operator changes something.
 * - `too-large`: it has not run, because the request is longer than Lambda allows.
 * - `unknown`: it may have run, completely or in part.
 */
type InvocationErrorClass = 'transient' | 'configuration' | 'too-large' | 'unknown';

/** By error name, for errors that occur before the function starts although their HTTP status suggests otherwise. */
const BY_NAME = new Map<string, InvocationErrorClass>([
  ['CredentialsProviderError', 'configuration'],
  ['EC2AccessDeniedException', 'configuration'],
  ['EC2ThrottledException', 'transient'],
  ['EC2UnexpectedException', 'transient'],
  ['ENILimitReachedException', 'transient'],
  ['InvalidSecurityGroupIDException', 'configuration'],
  ['InvalidSubnetIDException', 'configuration'],
  ['KMSAccessDeniedException', 'configuration'],
  ['KMSDisabledException', 'configuration'],
  ['KMSInvalidStateException', 'configuration'],
  ['KMSNotFoundException', 'configuration'],
  ['RequestTooLargeException', 'too-large'],
  // The function is inactive because it was not used for a long time, and Lambda is activating it again.
  ['ResourceNotReadyException', 'transient'],
  ['SubnetIPAddressLimitReachedException', 'transient'],
  ['TooManyRequestsException', 'transient'],
]);

/** There was no connection, so nothing was sent. */
const NOT_CONNECTED = new Set(['EAI_AGAIN', 'ECONNREFUSED', 'EHOSTUNREACH', 'ENETUNREACH', 'ENOTFOUND']);

/** The SDK reports a connection timeout only in its message, for example if a subnet has no route to Lambda. */
const CONNECTION_TIMEOUT = /did not establish a connection/;

const HTTP_CONFLICT = 409;
const HTTP_TOO_LARGE = 413;
const HTTP_TOO_MANY_REQUESTS = 429;

export interface InvocationFailure {
  readonly kind: InvocationErrorClass;
  /** Name or code of the error. */
  readonly code: string;
}

export function classifyInvocationError(error: unknown): InvocationFailure {
  if (!(error instanceof Error)) return { kind: 'unknown', code: 'unknown' };
  const code = 'code' in error && typeof error.code === 'string' ? error.code : error.name;
  const byName = BY_NAME.get(error.name);
  if (byName !== undefined) return { kind: byName, code: error.name };
  if (NOT_CONNECTED.has(code)) return { kind: 'transient', code };
  if (CONNECTION_TIMEOUT.test(error.message)) return { kind: 'transient', code: 'connection-timeout' };
  const status = httpStatusOf(error);
  return status === undefined ? { kind: 'unknown', code } : { kind: classOfStatus(status), code: error.name };
}

/** Lambda returns 4xx before it runs the function: for a wrong name, permission, signature or request. */
function classOfStatus(status: number): InvocationErrorClass {
  if (status === HTTP_TOO_MANY_REQUESTS || status === HTTP_CONFLICT) return 'transient';
  if (status === HTTP_TOO_LARGE) return 'too-large';
  return status >= 400 && status < 500 ? 'configuration' : 'unknown';
}

/** Undefined if there was no response. The SDK also sets a status for a response that it could not parse. */
function httpStatusOf(error: Error): number | undefined {
  if (!('$metadata' in error) || typeof error.$metadata !== 'object' || error.$metadata === null)
    return undefined;
  const metadata = error.$metadata;
  return 'httpStatusCode' in metadata && typeof metadata.httpStatusCode === 'number'
    ? metadata.httpStatusCode
    : undefined;
}
