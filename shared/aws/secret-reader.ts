import { SecretsProvider } from '@aws-lambda-powertools/parameters/secrets';
import type { SecretsManagerClientConfig } from '@aws-sdk/client-secrets-manager';
import { errorFields } from '../error-fields.ts';
import { ConfigurationError, ConnectionError } from '../errors.ts';

/** Where secrets are read. */
export interface SecretReader {
  /**
   * The text of a secret, which may be some minutes old. `isFresh`: read now, since the known one was refused.
   * @throws ConfigurationError `secret-unreadable` where it is not there or may not be read; ConnectionError
   *   `secret-unreachable` where Secrets Manager doesn't answer
   */
  read(id: string, options: { readonly isFresh: boolean }): Promise<string>;
}

const CONNECTION_TIMEOUT_MS = 3000;
const REQUEST_TIMEOUT_MS = 5000;

/** What Secrets Manager answers where the secret, the permission or its key is at fault. */
const CONFIGURATION_ERRORS = new Set([
  'AccessDeniedException',
  'DecryptionFailure',
  'InvalidParameterException',
  'InvalidRequestException',
  'ResourceNotFoundException',
  'UnrecognizedClientException',
]);

/** AWS Secrets Manager through Powertools, which keeps what it read for a while. */
export class SecretsManagerReader implements SecretReader {
  readonly #provider: SecretsProvider;
  readonly #maxAgeSeconds: number;

  constructor(maxAgeSeconds: number, clientConfig: SecretsManagerClientConfig = {}) {
    this.#maxAgeSeconds = maxAgeSeconds;
    this.#provider = new SecretsProvider({
      clientConfig: {
        // Without a network path a connection hangs until the function's timeout, unless something ends it before.
        requestHandler: { connectionTimeout: CONNECTION_TIMEOUT_MS, requestTimeout: REQUEST_TIMEOUT_MS },
        maxAttempts: 2,
        ...clientConfig,
      },
    });
  }

  async read(id: string, { isFresh }: { readonly isFresh: boolean }): Promise<string> {
    const text = await this.#get(id, isFresh);
    if (typeof text === 'string') return text;
    throw new ConfigurationError('secret-unreadable', `secret ${id} holds no text`, {
      nextStep: 'Store it as a text or as JSON, not as binary.',
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
    ? new ConfigurationError('secret-unreadable', `secret ${id}: Secrets Manager answers ${name}`, {
        nextStep: "Check that it exists and that the function's role may read it and use its key.",
      })
    : new ConnectionError('secret-unreachable', `secret ${id}: Secrets Manager can't be reached (${name})`, {
        nextStep: 'Check that the subnets have an endpoint for Secrets Manager, or a way to the internet.',
      });
}
