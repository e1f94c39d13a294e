import { SecretsProvider } from '@aws-lambda-powertools/parameters/secrets';
import type { SecretsManagerClientConfig } from '@aws-sdk/client-secrets-manager';
import { errorFields } from '../error-fields.ts';
import { ConfigurationError, ConnectionError } from '../errors.ts';

/** Reads secrets. */
export interface SecretReader {
  /**
   * The text of a secret. It may be some minutes old, unless `isFresh` is set because the server has rejected the known
   * one.
   *
   * @param id name or ARN
   * @throws ConfigurationError `secret-unreadable` if the secret doesn't exist or access is denied; ConnectionError
   *   `secret-unreachable` if Secrets Manager doesn't answer
   */
  read(id: string, options: { readonly isFresh: boolean }): Promise<string>;
}

const CONNECTION_TIMEOUT_MS = 3000;
const REQUEST_TIMEOUT_MS = 5000;

/** Errors of Secrets Manager that blame the secret, the permission or the key. */
const CONFIGURATION_ERRORS = new Set([
  'AccessDeniedException',
  'DecryptionFailure',
  'InvalidParameterException',
  'InvalidRequestException',
  'ResourceNotFoundException',
  'UnrecognizedClientException',
]);

/** Reads AWS Secrets Manager through Powertools, which caches secrets. */
export class SecretsManagerReader implements SecretReader {
  readonly #provider: SecretsProvider;
  readonly #maxAgeSeconds: number;

  /** @param maxAgeSeconds how long a secret is cached */
  constructor(maxAgeSeconds: number, clientConfig: SecretsManagerClientConfig = {}) {
    this.#maxAgeSeconds = maxAgeSeconds;
    this.#provider = new SecretsProvider({
      clientConfig: {
        // Without timeouts, a connection without a network path would hang until the function's own timeout.
        requestHandler: { connectionTimeout: CONNECTION_TIMEOUT_MS, requestTimeout: REQUEST_TIMEOUT_MS },
        maxAttempts: 2,
        ...clientConfig,
      },
    });
  }

  async read(id: string, { isFresh }: { readonly isFresh: boolean }): Promise<string> {
    const text = await this.#get(id, isFresh);
    if (typeof text === 'string') return text;
    throw new ConfigurationError('secret-unreadable', `secret ${id} is not text`, {
      nextStep: 'Store it as text or JSON, not as binary.',
    });
  }

  async #get(id: string, isFresh: boolean): Promise<unknown> {
    try {
      return await this.#provider.get(id, { maxAge: this.#maxAgeSeconds, forceFetch: isFresh });
    } catch (error) {
      throw toSecretError(id, error);
    }
  }
}

function toSecretError(id: string, error: unknown): ConfigurationError | ConnectionError {
  const { name } = errorFields(error instanceof Error && error.cause !== undefined ? error.cause : error);
  return CONFIGURATION_ERRORS.has(name)
    ? new ConfigurationError('secret-unreadable', `secret ${id}: Secrets Manager answered ${name}`, {
        nextStep:
          "Check that it exists, and that the function's role has permission to read it and to use its key.",
      })
    : new ConnectionError('secret-unreachable', `secret ${id}: Secrets Manager cannot be reached (${name})`, {
        nextStep: 'Check that the subnets have an endpoint for Secrets Manager or a route to the internet.',
      });
}
