import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** The first Debian release whose rsyslog reads from Redis (module imhiredis). */
const RELEASE = 'trixie';
const KEYRING = '/usr/share/keyrings/debian-archive-keyring.gpg';

/** rsyslog, unpacked so that it runs without being installed. */
export interface RsyslogProgram {
  readonly file: string;
  readonly parameters: readonly string[];
}

/**
 * Downloads Debian's rsyslog and all its libraries, and unpacks them into the directory. It is not installed, because that
 * would add a logging service to the machine, and because older releases lack the module.
 * @throws {Error} if the machine does not run Debian, or if the packages cannot be downloaded
 */
export async function unpackRsyslog(directory: string): Promise<RsyslogProgram> {
  if (!existsSync('/usr/bin/apt-get') || !existsSync(KEYRING))
    throw new Error('rsyslog is only available on Debian with apt-get');
  const aptOptions = await prepareApt(directory);
  await run('apt-get', [...aptOptions, 'update']);
  const packages = ['rsyslog-hiredis', 'rsyslog-mysql'];
  await run('apt-get', [...aptOptions, 'install', '--yes', '--download-only', ...packages], {
    maxBuffer: 1 << 24,
  });
  const root = `${directory}/root`;
  for (const file of await readdir(`${directory}/archives`))
    if (file.endsWith('.deb')) await run('dpkg-deb', ['--extract', `${directory}/archives/${file}`, root]);
  return commandIn(root);
}

/** Returns options that make apt-get use this directory only, and treat no package as installed. */
async function prepareApt(directory: string): Promise<string[]> {
  await mkdir(`${directory}/lists/partial`, { recursive: true });
  await mkdir(`${directory}/archives/partial`, { recursive: true });
  await mkdir(`${directory}/none`);
  await writeFile(`${directory}/status`, '');
  const source = `deb [signed-by=${KEYRING}] http://deb.debian.org/debian ${RELEASE} main\n`;
  await writeFile(`${directory}/sources.list`, source);
  return [
    `Dir::Etc::sourcelist=${directory}/sources.list`,
    `Dir::Etc::sourceparts=${directory}/none`,
    `Dir::State::lists=${directory}/lists`,
    `Dir::State::status=${directory}/status`,
    `Dir::Cache::archives=${directory}/archives`,
    'Dir::Cache::pkgcache=',
    'Dir::Cache::srcpkgcache=',
    'Debug::NoLocking=1',
    'APT::Sandbox::User=',
    'APT::Install-Recommends=0',
  ].map((option) => `--option=${option}`);
}

/** Runs rsyslog with the dynamic loader and libraries of its own release, because this machine's may be older. */
async function commandIn(root: string): Promise<RsyslogProgram> {
  const architecture = (await readdir(`${root}/usr/lib`)).find((name) => name.endsWith('-linux-gnu'));
  if (architecture === undefined) throw new Error('the packages contain no libraries');
  const libraries = `${root}/usr/lib/${architecture}`;
  const loader = (await readdir(libraries)).find((name) => name.startsWith('ld-linux'));
  if (loader === undefined) throw new Error('the packages contain no dynamic loader');
  const library = ['--library-path', libraries, `${root}/usr/sbin/rsyslogd`];
  return { file: `${libraries}/${loader}`, parameters: [...library, '-M', `${libraries}/rsyslog`] };
}
