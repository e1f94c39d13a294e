/** What an error of this project says beside its message. */
export interface ErrorDetails {
  /** What the reader can do about it, as a sentence. */
  readonly nextStep?: string | undefined;
  readonly cause?: unknown;
}

/**
 * Base of all errors that this project throws on purpose. Neither `message` nor `nextStep` ever holds a password or the
 * value of a row: both are printed and logged.
 */
export class BackgroundConsumerError extends Error {
  override readonly name: string = 'BackgroundConsumerError';
  /** A short name that stays the same from release to release, such as `invalid-registry`. */
  readonly code: string;
  readonly nextStep: string | undefined;

  constructor(code: string, message: string, details: ErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.code = code;
    this.nextStep = details.nextStep;
  }
}

/** Both as sentences; the message of a server may be one already. */
export function withNextStep(message: string, nextStep: string | undefined): string {
  return nextStep === undefined ? message : `${message.replace(/\.$/, '')}. ${nextStep}`;
}

/** Something that the operator wrote is wrong: the registry, an option, an environment variable. */
export class ConfigurationError extends BackgroundConsumerError {
  override readonly name: string = 'ConfigurationError';
}

/** A server can't be reached, or refuses the connection. */
export class ConnectionError extends BackgroundConsumerError {
  override readonly name: string = 'ConnectionError';
}
