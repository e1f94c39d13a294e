import { expect, test } from 'vitest';
import { runConsumer } from '../kit/scene/run-consumer.ts';
import { openScene, type Scene } from '../kit/scene/scene.ts';

/** Nothing listens on this port. */
const UNREACHABLE = '127.0.0.1:1';

test.each(['drain', 'status', 'run'])(
  '%s --json writes one JSON object if Redis is down',
  async (command) => {
    const scene = await sceneWithoutRedis();
    const run = await runConsumer(scene, command, '--json');
    expect(run.exitCode).toBe(1);
    expect(JSON.parse(run.stdout)).toBeTypeOf('object');
  },
);

test('drain --json says what a script needs to know if Redis is down', async () => {
  const { stdout } = await runConsumer(await sceneWithoutRedis(), 'drain', '--json');
  expect(JSON.parse(stdout).error).toMatchObject({
    code: expect.stringMatching(/./),
    message: expect.stringContaining('Redis'),
    nextStep: expect.stringMatching(/./),
  });
});

async function sceneWithoutRedis(): Promise<Scene> {
  const scene = await openScene();
  return {
    ...scene,
    registryYaml: scene.registryYaml.replace(/(default:\s+mysql: \S+\s+redis: )\S+/, `$1${UNREACHABLE}:0`),
  };
}
