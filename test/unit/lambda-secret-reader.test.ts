import { createServer } from 'node:http';
import { describe, expect, test } from 'vitest';
import { SecretsManagerReader } from '../../shared/aws/secret-reader.ts';
import { awsClientConfig, listenAsAws } from '../kit/aws-endpoint.ts';

type Answer = { readonly SecretString?: string; readonly SecretBinary?: string; readonly __type?: string };

/** Secrets Manager's API on a socket: answers in turn, the last one again and again. */
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

const [known, fresh] = [{ isFresh: false }, { isFresh: true }];

describe('a secret', () => {
  test('is read once for minutes, afresh when that is asked for, and the fresh one is kept', async () => {
    const { clientConfig, counts } = await openSecretsManager(
      { SecretString: 'old' },
      { SecretString: 'new' },
    );
    const reader = new SecretsManagerReader(300, clientConfig);
    expect(await reader.read('arn', known)).toBe('old');
    expect(await reader.read('arn', known)).toBe('old');
    expect(counts.requests).toBe(1);
    expect(await reader.read('arn', fresh)).toBe('new');
    expect(await reader.read('arn', known)).toBe('new');
    expect(counts.requests).toBe(2);
  });

  test('is read each time where it is to be kept for no time', async () => {
    const { clientConfig, counts } = await openSecretsManager({ SecretString: 'text' });
    const reader = new SecretsManagerReader(0, clientConfig);
    await reader.read('arn', known);
    await reader.read('arn', known);
    expect(counts.requests).toBe(2);
  });

  test.each(['AccessDeniedException', 'ResourceNotFoundException', 'DecryptionFailure'])(
    'that can’t be read is told with %s, and what to check',
    async (name) => {
      const { clientConfig } = await openSecretsManager({ __type: name });
      await expect(new SecretsManagerReader(300, clientConfig).read('arn', known)).rejects.toMatchObject({
        code: 'secret-unreadable',
        message: expect.stringContaining(name),
        nextStep: expect.stringContaining('role'),
      });
    },
  );

  test('that is binary is told so', async () => {
    const { clientConfig } = await openSecretsManager({ SecretBinary: 'AAAA' });
    await expect(new SecretsManagerReader(300, clientConfig).read('arn', known)).rejects.toMatchObject({
      code: 'secret-unreadable',
    });
  });

  test('without a way to Secrets Manager is told so', async () => {
    await expect(new SecretsManagerReader(300, awsClientConfig(9)).read('arn', known)).rejects.toMatchObject({
      code: 'secret-unreachable',
      nextStep: expect.stringContaining('endpoint'),
    });
  });
});
