import { createServer } from 'node:http';
import { describe, expect, test } from 'vitest';
import { SecretsManagerReader } from '../../shared/aws/secret-reader.ts';
import { awsClientConfig, listenAsAws } from '../kit/aws-endpoint.ts';

type Answer = { readonly SecretString?: string; readonly SecretBinary?: string; readonly __type?: string };

/** Secrets Manager's API on a socket. It returns the answers in turn, and repeats the last one. */
async function openSecretsManager(...answers: readonly Answer[]) {
  const counts = { requests: 0 };
  const server = createServer((_, response) => {
    const answer = answers[Math.min(counts.requests++, answers.length - 1)] ?? {};
    response.statusCode = answer.__type === undefined ? 200 : 400;
    response.setHeader('Content-Type', 'application/x-amz-json-1.1');
    response.end(JSON.stringify(answer));
  });
  return { counts, clientConfig: await listenAsAws(server), close: () => server.close() };
}

const CACHED = { isFresh: false };
const FRESH = { isFresh: true };

describe('a secret', () => {
  test('is cached for minutes, read again on request, and then cached again', async () => {
    const { clientConfig, counts } = await openSecretsManager(
      { SecretString: 'old' },
      { SecretString: 'new' },
    );
    const reader = new SecretsManagerReader(300, clientConfig);
    expect(await reader.read('arn', CACHED)).toBe('old');
    expect(await reader.read('arn', CACHED)).toBe('old');
    expect(counts.requests).toBe(1);
    expect(await reader.read('arn', FRESH)).toBe('new');
    expect(await reader.read('arn', CACHED)).toBe('new');
    expect(counts.requests).toBe(2);
  });

  test('is read every time if the cache time is 0', async () => {
    const { clientConfig, counts } = await openSecretsManager({ SecretString: 'text' });
    const reader = new SecretsManagerReader(0, clientConfig);
    await reader.read('arn', CACHED);
    await reader.read('arn', CACHED);
    expect(counts.requests).toBe(2);
  });

  test.each(['AccessDeniedException', 'ResourceNotFoundException', 'DecryptionFailure'])(
    'causes an error with %s and what to check if it cannot be read',
    async (name) => {
      const { clientConfig } = await openSecretsManager({ __type: name });
      await expect(new SecretsManagerReader(300, clientConfig).read('arn', CACHED)).rejects.toMatchObject({
        code: 'secret-unreadable',
        message: expect.stringContaining(name),
        nextStep: expect.stringContaining('role'),
      });
    },
  );

  test('causes an error if it is binary', async () => {
    const { clientConfig } = await openSecretsManager({ SecretBinary: 'AAAA' });
    await expect(new SecretsManagerReader(300, clientConfig).read('arn', CACHED)).rejects.toMatchObject({
      code: 'secret-unreadable',
    });
  });

  test('causes an error if Secrets Manager cannot be reached', async () => {
    await expect(new SecretsManagerReader(300, awsClientConfig(9)).read('arn', CACHED)).rejects.toMatchObject(
      {
        code: 'secret-unreachable',
        nextStep: expect.stringContaining('endpoint'),
      },
    );
  });
});
